"""Pages: from the fields of a query to the bounds of a page, and from its rows to the cursor of the next."""

from collections.abc import Sequence

from exchange.api.native import codec, models
from exchange.service.history import ID_MAX, Page

NS_PER_MS = 1_000_000


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


def page_json(name: str, rows: Sequence[models.Json], page: Page, id_name: str) -> models.Json:
    """The reply: as many rows as were asked for, and the id to go on from if there are more."""
    shown = rows[: page.limit - 1]
    return {name: shown, "next": shown[-1][id_name] if len(rows) == page.limit else None}
