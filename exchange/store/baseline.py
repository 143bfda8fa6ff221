"""The baseline: the state that the journal begins from, which a replay begins with.

It is stored in parts, so that none is large: each is a JSON object, and the lists of all parts together are the lists
of the state. CODEC_VERSION counts changes of this form; `DECODERS` has a decoder for each. A new database has one part,
`{}`, which is the empty venue.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any, Final

import orjson

from exchange.core.amendments import Amended
from exchange.core.commands import PlaceList
from exchange.core.events import BalanceChanged
from exchange.core.fees import Rates
from exchange.core.instrument import Asset
from exchange.core.state import MarketState, OpenOrder, VenueState
from exchange.core.venue_filters import venue_filters_from, venue_filters_text
from exchange.failure import Failure
from exchange.store import journal, journal_admin, journal_lists, journal_money
from exchange.store.numbers_text import numbers_text, progress_from

CODEC_VERSION = 5
PART_MAX = 10_000  # items of a list in one part
COUNTS = (
    "sequence",
    "time_ns",
    "last_order_id",
    "last_priority",
    "last_trade_id",
    "last_match_id",
    "last_amendment_id",
    "last_list_id",
)

Json = dict[str, Any]


async def load(connection: Any) -> VenueState:
    """The stored baseline. Raises Failure if it is missing, or of a version that this exchange does not know."""
    rows = await connection.fetch("SELECT codec_version, content FROM baseline ORDER BY part")
    versions = {row["codec_version"] for row in rows}
    if len(versions) != 1 or not versions <= DECODERS.keys():
        raise Failure(f"The baseline of the journal has codec versions {sorted(versions)}, which cannot be read.")
    return DECODERS[versions.pop()]([orjson.loads(row["content"]) for row in rows])


async def store(connection: Any, state: VenueState) -> None:
    """Replace the stored baseline. The journal must go on from this state."""
    rows = [(part, state.sequence, CODEC_VERSION, text) for part, text in enumerate(encode(state))]
    async with connection.transaction():
        await connection.execute("DELETE FROM baseline")
        await connection.copy_records_to_table("baseline", records=rows)


def encode(state: VenueState) -> Iterator[str]:
    """The parts of a state."""
    yield _text(
        {name: getattr(state, name) for name in COUNTS}
        | {
            "assets": [(asset.symbol, asset.decimals) for asset in state.assets],
            "markets": [_market(market) for market in state.markets],
            "filters": [venue_filters_text(state.filters), state.filters_by_call],
        }
    )
    lists: dict[str, tuple[Sequence[Any], Callable[[Any], Any]]] = {
        "users": (state.users, str),
        "disabled_users": (state.disabled_users, str),
        "user_tiers": (state.user_tiers, list),
        "keys": (state.keys, journal_admin.key_fields),
        "accounts": (state.accounts, _account),
        "orders": (state.orders, _order),
        "client_orders": (state.recent_client_orders, lambda found: (found[0], *journal.terms_fields(found[1]))),
        "recent_keys": (state.recent_keys, journal_money.keyed_fields),
        "withdrawals": (state.withdrawals, journal_money.withdrawal_fields),
        "reductions": (state.recent_reductions, _amended),
        "timers": (state.timers, list),
        "lists": (state.lists, lambda found: journal_lists.state_fields(found, journal.terms_fields)),
        "client_lists": (state.recent_client_lists, _client_list),
        "list_counts": (state.list_counts, tuple),
    }
    for name, (items, row) in lists.items():
        for begin in range(0, len(items), PART_MAX):
            yield _text({name: [row(item) for item in items[begin : begin + PART_MAX]]})


def _text(part: Json) -> str:
    return orjson.dumps(part).decode()


def _market(market: MarketState) -> tuple[Any, ...]:
    return (
        journal.rules(market.instrument),
        *(market.book_sequence, market.depth_sequence, market.best_sequence),
        *(market.trade_sequence, market.last_aggregate_id, market.last_trade_ns, market.candles),
        market.average,
        market.last_match_id,
        market.by_call,
        market.tracks,
    )


def _market_from(fields: Sequence[Any], assets: dict[str, Asset]) -> MarketState:
    rules, book, depth, best, trade, aggregate, time_ns, candles, average, last_match_id, by_call, tracks = fields
    counts = (book, depth, best, trade, aggregate, time_ns, tuple(candles), tuple(average), last_match_id)
    return MarketState(journal.instrument_from(rules, assets), *counts, by_call, tuple(tracks))


def _amended(amended: Amended) -> tuple[Any, ...]:
    return tuple(getattr(amended, field.name) for field in fields(amended))


def _client_list(remembered: tuple[int, PlaceList]) -> tuple[Any, ...]:
    list_id, placed = remembered
    return list_id, *journal_lists.placed_fields(placed, journal.terms_fields)


def _account(account: BalanceChanged) -> tuple[Any, ...]:
    amounts = str(account.available_minor), str(account.locked_minor)
    return account.user_id, account.asset, *amounts, account.balances_sequence, account.orders_sequence


def _order(order: OpenOrder) -> tuple[Any, ...]:
    executed = order.executed_lots, str(order.executed_quote_minor)
    rates = (None, None) if order.rates is None else (order.rates.maker_ppm, order.rates.taker_ppm)
    counts = order.priority, order.created_ns, order.updated_ns
    return order.order_id, *executed, *counts, *rates, numbers_text(order.progress), *journal.terms_fields(order.terms)


def _decode_1(parts: Sequence[Json]) -> VenueState:
    """Version 1 has no average price of a market, and no fees of an order."""
    for part in parts:
        if "markets" in part:
            part["markets"] = [(*market, ()) for market in part["markets"]]
        if "orders" in part:
            part["orders"] = [(*order[:6], None, None, *order[6:]) for order in part["orders"]]
    return _decode_2(parts)


def _decode_2(parts: Sequence[Json]) -> VenueState:
    """Version 2 knows no prevented matches."""
    for part in parts:
        if "markets" in part:
            part["markets"] = [(*market, 0) for market in part["markets"]]
        if "orders" in part:
            part["orders"] = [(*order[:8], None, *order[8:]) for order in part["orders"]]
    return _decode_3(parts)


def _decode_3(parts: Sequence[Json]) -> VenueState:
    """Version 3 knows no rules of a market that a call has set, no orders that follow the price, and of keys only those
    of deposits."""
    for part in parts:
        if "deposits" in part:
            part["recent_keys"] = [("deposit", *fields, key) for key, *fields in part.pop("deposits")]
        if "markets" in part:
            part["markets"] = [(*market, False, ()) for market in part["markets"]]
    return _decode_4(parts)


def _decode_4(parts: Sequence[Json]) -> VenueState:
    """Version 4 knows no timers."""
    return _decode_5(parts)


def _decode_5(parts: Sequence[Json]) -> VenueState:
    lists: dict[str, list[Any]] = {}
    numbers: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            if isinstance(value, list):
                lists.setdefault(name, []).extend(value)
            else:
                numbers[name] = value
    assets = {symbol: Asset(symbol, decimals) for symbol, decimals in lists.get("assets", ())}
    filters_text, filters_by_call = lists.get("filters", ("", False))
    return VenueState(
        **numbers,
        assets=list(assets.values()),
        markets=[_market_from(fields, assets) for fields in lists.get("markets", ())],
        users=lists.get("users", []),
        disabled_users=lists.get("disabled_users", []),
        user_tiers=[(user_id, tier) for user_id, tier in lists.get("user_tiers", ())],
        keys=[journal_admin.key_from(fields) for fields in lists.get("keys", ())],
        accounts=[
            BalanceChanged(user_id, asset, int(available), int(locked), *counts)
            for user_id, asset, available, locked, *counts in lists.get("accounts", ())
        ],
        orders=[_order_from(*fields) for fields in lists.get("orders", ())],
        recent_client_orders=[
            (order_id, journal.terms_from(terms)) for order_id, *terms in lists.get("client_orders", ())
        ],
        recent_keys=[journal_money.keyed_from(fields) for fields in lists.get("recent_keys", ())],
        withdrawals=[journal_money.withdrawal_from(fields) for fields in lists.get("withdrawals", ())],
        recent_reductions=[Amended(*fields) for fields in lists.get("reductions", ())],
        timers=[(user_id, market, due_ns) for user_id, market, due_ns in lists.get("timers", ())],
        lists=[journal_lists.state_from(fields, journal.terms_from) for fields in lists.get("lists", ())],
        recent_client_lists=[
            (list_id, journal_lists.placed_from(fields, journal.terms_from))
            for list_id, *fields in lists.get("client_lists", ())
        ],
        list_counts=[(user_id, count) for user_id, count in lists.get("list_counts", ())],
        filters=venue_filters_from(filters_text),
        filters_by_call=filters_by_call,
    )


def _order_from(
    order_id: int,
    lots: int,
    quote: str,
    priority: int,
    created_ns: int,
    updated_ns: int,
    maker_ppm: int | None,
    taker_ppm: int | None,
    progress: str | None,
    *terms: Any,
) -> OpenOrder:
    rates = None if maker_ppm is None or taker_ppm is None else Rates(maker_ppm, taker_ppm)
    executed = lots, int(quote)
    return OpenOrder(
        *(order_id, journal.terms_from(terms), *executed, priority, created_ns, updated_ns),
        *(rates, progress_from(progress)),
    )


Decoder = Callable[[Sequence[Json]], VenueState]
# Version 4 knows no lists of orders, which are then none.
DECODERS: Final[dict[int, Decoder]] = {1: _decode_1, 2: _decode_2, 3: _decode_3, 4: _decode_4, 5: _decode_5}
