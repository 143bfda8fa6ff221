"""Pages: from the fields of a query to the bounds of a page, and from its rows to the cursor of the next."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from exchange.api.native import codec, models
from exchange.service.history import ID_MAX, Fill, Page

NS_PER_MS = 1_000_000
RowT = TypeVar("RowT")


def page_of(query: models.PageQuery) -> Page:
    """The bounds, and room for one row more, which says that there is a next page. Raises ApiError."""
    return Page(
        codec.page_limit(query.limit, models.PAGE_MAX) + 1,
        before=_id("before", query.before),
        after=_id("after", query.after),
        start_ns=_time_ns("start", query.start),
        end_ns=_time_ns("end", query.end),
    )


def _id(name: str, text: str | None) -> int | None:
    return None if text is None else codec.decode_id(name, text)


def _time_ns(name: str, millis: int | None) -> int | None:
    return None if millis is None else min(codec.decode_millis(name, millis) * NS_PER_MS, ID_MAX)


def next_of(rows: Sequence[RowT], page: Page, id_of: Callable[[RowT], int]) -> str | None:
    """The id to go on from, if there are more rows than were asked for."""
    return str(id_of(rows[page.limit - 2])) if len(rows) == page.limit else None


def whole_trades(fills: Sequence[Fill], page: Page) -> tuple[Sequence[Fill], str | None]:
    """The fills of a page, and its cursor. The two fills of a trade with oneself stay together, since ids are trades'.

    So such a page has one fill less than was asked for, or one more if that was one.
    """
    if len(fills) < page.limit or fills[-1].trade_id != fills[-2].trade_id:
        return fills[: page.limit - 1], next_of(fills, page, lambda fill: fill.trade_id)
    shown = fills[:-2] or fills
    return shown, str(shown[-1].trade_id)
