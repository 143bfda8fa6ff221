"""The journal's text: commands as JSON, one array a command: [sequence, time_ns, kind, field, …].

Every row has two versions: CODEC_VERSION counts changes of this form, and `DECODERS` has a decoder for each;
RULES_VERSION (see `venue`) counts changes of what a command does.

1. The rules of a market end with its status.
2. They go on with the asset of its fees, its least price, the bound of fills and what a market order must be worth.
3. They end with the modes of self-trade prevention; an order with its conditions, and a cancel with its one, if it has
   any.
4. An asset, a status and the rules of a market go on with who asked for them, if somebody did: rules begin with it.
   There are commands that enter what was triggered, that end what is due and that move money; amendments and
   replacements.
5. Orders may be pegged, and there are lists of orders. A cancel has a name; that of a replacement stands with its mode.
   There are timers, and sockets that end. The rules of a market end with its least price as it was set, what its fee
   tiers pay, and its filters. There is a command that sets the filters of the venue. A new user may have balances.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from exchange.core.administration import (
    CreateKey,
    CreateUser,
    Origin,
    RevokeKey,
    SetTierFees,
    SetUserStatus,
    SetUserTier,
)
from exchange.core.amendments import AmendOrder
from exchange.core.commands import (
    AddAsset,
    AddUser,
    CancelAll,
    CancelList,
    CancelOrder,
    Command,
    Deposit,
    EndSocket,
    ExpireDue,
    OrderType,
    PassTime,
    PlaceList,
    PlaceOrder,
    ReplaceMode,
    ReplaceOrder,
    RunTriggered,
    SetMarket,
    SetMarketStatus,
    Side,
    TimeInForce,
)
from exchange.core.conditions import ALL_MODES, SelfTrade
from exchange.core.filters import filters_from, filters_text
from exchange.core.instrument import (
    COUNT_MAX,
    Asset,
    FeeAsset,
    Instrument,
    MarketStatus,
    TierFees,
    decimal_text,
    instrument_of,
)
from exchange.core.money import EndWithdrawal, RequestWithdrawal, ResetUser, TransferFunds
from exchange.core.outcome import Applied
from exchange.core.timers import CancelAllAfter, RunTimer
from exchange.core.venue import RULES_VERSIONS
from exchange.core.venue_filters import SetVenueFilters, venue_filters_from, venue_filters_text
from exchange.pipeline.commits import Journaled
from exchange.store import journal_admin, journal_lists, journal_money
from exchange.store.numbers_text import conditions_from, numbers_text

CODEC_VERSION = 5
FIELDS_OF_1: Final = 10  # of the rules of a market in version 1
# The other rules as they were then: fees in what is received, any price, any number of fills, which may leave nothing.
RULES_SINCE_1: Final = (FeeAsset.RECEIVED, 0, COUNT_MAX, False, 0, True)
FIELDS_OF_2: Final = 16
RULES_SINCE_2: Final = (SelfTrade.EXPIRE_TAKER, ALL_MODES)
FIELDS_OF_4: Final = 18
MIN_PRICE: Final = 11  # where the rules have it

# Of a member of an enumeration, which costs JSON's writer ten times what a number does, its number.
_SIDES: Final = tuple(map(int, Side))
_TYPES: Final = tuple(map(int, OrderType))
_TIMES: Final = tuple(map(int, TimeInForce))

Fields = tuple[int, int, Command]  # sequence, time_ns and what was asked


def encode(applied: Sequence[Applied]) -> str:
    """The commands of one commit."""
    return orjson.dumps([_entry(entry) for entry in applied]).decode()


def _entry(entry: Applied) -> tuple[Any, ...]:
    command = entry.command
    if isinstance(command, PlaceOrder):
        entered = (
            entry.sequence,
            entry.time_ns,
            "place",
            command.user_id,
            command.market,
            _SIDES[command.side],
            _TYPES[command.order_type],
            _TIMES[command.time_in_force],
            command.post_only,
            command.price_ticks,
            command.quantity_lots,
            command.client_order_id,
        )
        return entered if command.conditions is None else (*entered, *conditions_fields(command))
    return (entry.sequence, entry.time_ns, *_rare(command))


def _rare(command: Command) -> tuple[Any, ...]:
    match command:
        case CancelOrder(user_id, market, order_id, client_order_id, only_if_filled, cancel_id):
            further = () if only_if_filled is None and cancel_id is None else (only_if_filled, cancel_id)
            return ("cancel", user_id, market, order_id, client_order_id, *further)
        case AmendOrder():
            named = command.user_id, command.market, command.order_id, command.client_order_id
            numbers = command.quantity_lots, command.reduce_lots, command.price_ticks
            return ("amend", *named, *numbers, command.new_client_order_id, command.key)
        case ReplaceOrder(cancel, place, mode):
            which = cancel.order_id, cancel.client_order_id, cancel.only_if_filled
            name = () if cancel.cancel_id is None else (cancel.cancel_id,)
            return ("replace", (mode, *name) if name else mode, *which, *terms_fields(place))
        case CancelAll(user_id, market):
            return ("cancel_all", user_id, market)
        case PlaceList() | CancelList():
            return journal_lists.encode(command, terms_fields)
        case RunTriggered(market, orders_max):
            return ("run_triggered", market, orders_max)
        case ExpireDue(market, orders_max):
            return ("expire_due", market, orders_max)
        case EndSocket(market, socket, orders_max):
            return ("end_socket", market, socket, orders_max)
        case CancelAllAfter(user_id, market, timeout_ms):
            return ("cancel_all_after", user_id, market, timeout_ms)
        case RunTimer():
            return ("run_timer",)
        case SetMarketStatus(market, status, origin):
            return ("set_status", market, status, *_origin(origin))
        case Deposit(user_id, asset, amount_minor, key):
            # As text, since the amount may be beyond what JSON's readers take for a number.
            return ("deposit", user_id, asset, str(amount_minor), key, *_origin(command.origin))
        case AddUser(user_id):
            return ("add_user", user_id)
        case AddAsset(asset, origin):
            return ("add_asset", asset.symbol, asset.decimals, *_origin(origin))
        case SetMarket(instrument, origin):
            return ("set_market", *((_origin(origin),) if origin is not None else ()), *rules(instrument))
        case SetVenueFilters(filters, origin):
            return ("set_filters", venue_filters_text(filters), *_origin(origin))
        case PassTime():
            return ("pass_time",)
        case CreateUser() | SetUserStatus() | CreateKey() | RevokeKey() | SetTierFees() | SetUserTier():
            return journal_admin.encode(command)
        case RequestWithdrawal() | EndWithdrawal() | TransferFunds() | ResetUser():
            return journal_money.encode(command)
    raise AssertionError(command)


def _origin(origin: Origin | None) -> tuple[str | None, ...]:
    return () if origin is None else (origin.actor, origin.address)


def _origin_from(fields: Sequence[Any]) -> Origin | None:
    return Origin(*fields) if fields else None


def readable(codec_version: int, rules_version: int) -> bool:
    """Whether this version of the exchange can decode and apply such a row."""
    return codec_version in DECODERS and rules_version in RULES_VERSIONS


def decode(codec_version: int, rules_version: int, text: str, assets: dict[str, Asset]) -> Iterator[Journaled]:
    """The entries of a row that is `readable`. `assets` are those known so far, and grow with the commands."""
    for sequence, time_ns, command in DECODERS[codec_version](text, assets):
        yield Journaled(sequence, time_ns, command, rules_version)


def _decode(text: str, assets: dict[str, Asset]) -> Iterator[Fields]:
    for sequence, time_ns, kind, *fields in orjson.loads(text):
        command = _command(kind, fields, assets)
        if isinstance(command, AddAsset):
            assets[command.asset.symbol] = command.asset
        yield sequence, time_ns, command


# Rows of earlier versions differ only in what is missing at the end of some commands.
DECODERS: Final[dict[int, Callable[[str, dict[str, Asset]], Iterator[Fields]]]] = dict.fromkeys(range(1, 6), _decode)


def _command(kind: str, fields: list[Any], assets: dict[str, Asset]) -> Command:
    match kind:
        case "place":
            return terms_from(fields)
        case "cancel":
            return CancelOrder(*fields)
        case "amend":
            return AmendOrder(*fields)
        case "replace":
            mode, order_id, name, only_if, *placed = fields
            mode, cancel_id = mode if isinstance(mode, list) else (mode, None)
            place = terms_from(placed)
            cancel = CancelOrder(place.user_id, place.market, order_id, name, only_if, cancel_id)
            return ReplaceOrder(cancel, place, ReplaceMode(mode))
        case "cancel_all":
            return CancelAll(*fields)
        case "run_triggered":
            return RunTriggered(*fields)
        case "expire_due":
            return ExpireDue(*fields)
        case "end_socket":
            return EndSocket(*fields)
        case "cancel_all_after":
            return CancelAllAfter(*fields)
        case "run_timer":
            return RunTimer()
        case "set_status":
            market, status, *origin = fields
            return SetMarketStatus(market, MarketStatus(status), _origin_from(origin))
        case "deposit":
            user_id, asset, amount, key, *origin = fields
            return Deposit(user_id, asset, int(amount), key, _origin_from(origin))
        case "add_user":
            return AddUser(*fields)
        case "add_asset":
            symbol, decimals, *origin = fields
            return AddAsset(Asset(symbol, decimals), _origin_from(origin))
        case "set_market":
            origin = fields.pop(0) if isinstance(fields[0], list) else []
            return SetMarket(instrument_from(fields, assets), _origin_from(origin))
        case "set_filters":
            text, *origin = fields
            return SetVenueFilters(venue_filters_from(text), _origin_from(origin))
        case "pass_time":
            return PassTime()
    if kind in journal_admin.KINDS:
        return journal_admin.decode(kind, fields)
    if kind in journal_money.KINDS:
        return journal_money.decode(kind, fields)
    if kind in journal_lists.KINDS:
        return journal_lists.decode(kind, fields, terms_from)
    raise AssertionError(kind)


def terms_from(fields: Sequence[Any]) -> PlaceOrder:
    """The order of stored terms, which are its fields in their order."""
    user_id, market, side, order_type, time_in_force, post_only, price_ticks, lots, client_order_id, *more = fields
    return PlaceOrder(
        *(user_id, market, Side(side), OrderType(order_type), TimeInForce(time_in_force), post_only),
        *(price_ticks, lots, client_order_id, conditions_from(more[0]) if more else None),
    )


def terms_fields(terms: PlaceOrder) -> tuple[Any, ...]:
    """Terms as they are stored, in the order of `terms_from`."""
    return (
        *(terms.user_id, terms.market, terms.side, terms.order_type, terms.time_in_force, terms.post_only),
        *(terms.price_ticks, terms.quantity_lots, terms.client_order_id),
        *conditions_fields(terms),
    )


def conditions_fields(terms: PlaceOrder) -> tuple[str, ...]:
    """The last field of stored terms, which only an order with conditions has."""
    text = numbers_text(terms.conditions)
    return () if text is None else (text,)


def rules(instrument: Instrument) -> tuple[Any, ...]:
    """An instrument's rules as they are stored, in the order of `instrument_from`."""
    return (
        instrument.symbol,
        instrument.base.symbol,
        instrument.quote.symbol,
        instrument.price_text(1),
        instrument.quantity_text(1),
        str(instrument.min_notional_minor),
        instrument.maker_fee_ppm,
        instrument.taker_fee_ppm,
        instrument.max_open_orders,
        instrument.status,
        instrument.fee_asset,
        instrument.min_price_ticks,
        instrument.max_fills_per_order,
        instrument.min_notional_applies_to_market,
        instrument.avg_price_mins,
        instrument.fills_may_leave_nothing,
        instrument.self_trade,
        instrument.self_trade_modes,
        instrument.set_min_price_ticks,
        tiers_text(instrument.tiers),
        filters_text(instrument.filters),
    )


def tiers_text(tiers: Sequence[TierFees]) -> str:
    """What the tiers of a market pay, as it is stored: `name:maker:taker`, with spaces between."""
    return " ".join(f"{found.tier}:{found.maker_ppm}:{found.taker_ppm}" for found in tiers)


def tiers_from(text: str | None) -> tuple[TierFees, ...]:
    """The tiers of stored text."""
    found = (part.split(":") for part in (text or "").split())
    return tuple(TierFees(tier, int(maker_ppm), int(taker_ppm)) for tier, maker_ppm, taker_ppm in found)


def instrument_from(fields: Sequence[Any], assets: dict[str, Asset]) -> Instrument:
    """The instrument of stored rules, in the order of `rules`; those of earlier versions get what was the rule then."""
    if len(fields) == FIELDS_OF_1:
        fields = (*fields, *RULES_SINCE_1)
    if len(fields) == FIELDS_OF_2:
        fields = (*fields, *RULES_SINCE_2)
    if len(fields) == FIELDS_OF_4:
        fields = (*fields, fields[MIN_PRICE], "", None)
    symbol, base, quote, tick_size, lot_size, min_notional_minor, maker_fee_ppm, taker_fee_ppm, *limits = fields
    max_open_orders, status, fee_asset, min_price_ticks, max_fills, applies_to_market, mins, *modern = limits
    leave_nothing, self_trade, self_trade_modes, set_min_price_ticks, tiers, filters = modern
    instrument = instrument_of(
        symbol,
        assets[base],
        assets[quote],
        tick_size=tick_size,
        lot_size=lot_size,
        min_notional=assets[quote].text(int(min_notional_minor)),
        maker_fee=decimal_text(maker_fee_ppm, 6),
        taker_fee=decimal_text(taker_fee_ppm, 6),
        max_open_orders=max_open_orders,
        status=MarketStatus(status),
        fee_asset=FeeAsset(fee_asset),
        max_fills_per_order=max_fills,
        min_notional_applies_to_market=applies_to_market,
        avg_price_mins=mins,
        fills_may_leave_nothing=True,
        self_trade=SelfTrade(self_trade),
        self_trade_modes=self_trade_modes,
    )
    return replace(
        instrument,
        min_price_ticks=min_price_ticks,
        fills_may_leave_nothing=leave_nothing,
        set_min_price_ticks=set_min_price_ticks,
        tiers=tiers_from(tiers),
        filters=filters_from(filters),
    )
