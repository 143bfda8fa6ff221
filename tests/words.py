"""Commands and their outcomes in words, for the report of a failure."""

from exchange.core.administration import CreateKey, CreateUser, RevokeKey, SetTierFees, SetUserStatus, SetUserTier
from exchange.core.amendments import AmendOrder
from exchange.core.commands import (
    AddAsset,
    AddUser,
    CancelAll,
    CancelList,
    CancelOrder,
    Command,
    Deposit,
    OrderType,
    PassTime,
    PlaceList,
    PlaceOrder,
    ReplaceOrder,
    SetMarket,
    SetMarketStatus,
    Side,
)
from exchange.core.conditions import Conditions
from exchange.core.events import Duplicate, OrderUpdated, Rejected, Trade
from exchange.core.filters import filters_text
from exchange.core.instrument import Instrument
from exchange.core.money import EndWithdrawal, RequestWithdrawal, ResetUser, TransferFunds
from exchange.core.outcome import Outcome
from exchange.core.timers import CancelAllAfter, RunTimer
from exchange.core.venue_filters import SetVenueFilters, venue_filters_text


def words(command: Command) -> str:
    """A command as a line of a story."""
    match command:
        case PlaceOrder():
            return _order_words(command)
        case CancelOrder():
            which = f"#{command.order_id}" if command.client_order_id is None else repr(command.client_order_id)
            return f"{command.user_id} cancels {which} on {command.market}"
        case AmendOrder():
            return _amendment_words(command)
        case ReplaceOrder(cancel, place, mode):
            return f"{words(cancel)}, and {mode.name.lower()} {words(place)}"
        case PlaceList():
            name = "" if command.client_list_id is None else f" as {command.client_list_id!r}"
            return f"an {command.list_type.name.lower()}{name}: {'; '.join(map(words, command.orders))}"
        case CancelList():
            which = f"list {command.list_id}" if command.client_list_id is None else repr(command.client_list_id)
            return f"{command.user_id} cancels {which} on {command.market}"
        case SetMarket(instrument=rules):
            return _market_words(rules)
        case SetVenueFilters(filters):
            return f"over all markets: {venue_filters_text(filters) or 'no filters'}"
        case SetMarketStatus():
            return f"{command.market} becomes {command.status.name.lower()}"
        case CancelAllAfter(user_id, market, timeout_ms):
            return f"all of {user_id} on {market or 'every market'} is to be canceled in {timeout_ms} ms"
        case RunTimer():
            return "what is due is canceled"
        case CancelAll():
            return f"{command.user_id} cancels all on {command.market}"
        case AddUser() | CreateUser():
            return _joining(command)
        case SetUserStatus():
            return f"{command.user_id} is {'disabled' if command.disabled else 'enabled'}"
        case SetTierFees(market, tier, maker_ppm, taker_ppm):
            return f"{tier} pays {maker_ppm}/{taker_ppm} ppm on {market}"
        case SetUserTier():
            return f"{command.user_id} has the tier {command.tier}"
        case CreateKey(key=key):
            return f"{key.user_id} gets {key.api_key}"
        case RevokeKey():
            return f"{command.api_key} is revoked"
        case RequestWithdrawal():
            asked = f"{command.amount_minor} {command.asset} under {command.key!r}"
            return f"{command.user_id} asks to withdraw {asked}"
        case EndWithdrawal():
            return f"the withdrawal {command.key!r} is {command.status.name.lower()}"
        case TransferFunds():
            moved = f"{command.amount_minor} {command.asset} under {command.key!r}"
            return f"{command.from_user_id} gives {command.to_user_id} {moved}"
        case ResetUser():
            return f"{command.user_id} is reset to {dict(command.balances)} under {command.key!r}"
        case AddAsset():
            return f"{command.asset.symbol} has {command.asset.decimals} decimals"
        case PassTime():
            return "time passes"
        case Deposit():
            return f"{command.user_id} deposits {command.amount_minor} {command.asset} under {command.key!r}"
    return str(command)


def _joining(command: AddUser | CreateUser) -> str:
    balances = f" with {dict(command.balances)}" if isinstance(command, CreateUser) and command.balances else ""
    return f"{command.user_id} joins{balances}"


def _market_words(rules: Instrument) -> str:
    fees = f"fees {rules.maker_fee_ppm}/{rules.taker_fee_ppm} ppm"
    if rules.fee_asset:
        fees += " of the quote"
    most = f"at most {rules.max_open_orders} open and {rules.max_fills_per_order} fills"
    limits = f"min notional {rules.min_notional_minor}, {most}, filters {filters_text(rules.filters) or 'none'}"
    return f"market {rules.symbol} is {rules.status.name.lower()}, {fees}, {limits}"


def _amendment_words(command: AmendOrder) -> str:
    which = f"#{command.order_id}" if command.client_order_id is None else repr(command.client_order_id)
    changes = {
        "quantity": command.quantity_lots,
        "less": command.reduce_lots,
        "price": command.price_ticks,
        "name": command.new_client_order_id,
        "key": command.key,
    }
    said = ", ".join(f"{name} {value}" for name, value in changes.items() if value is not None)
    return f"{command.user_id} amends {which} on {command.market}: {said}"


def _order_words(order: PlaceOrder) -> str:
    side = "buys" if order.side is Side.BUY else "sells"
    at = f"@ {order.price_ticks}"
    if order.order_type is OrderType.MARKET:
        at = "at market" + ("" if order.price_ticks is None else f" worst {order.price_ticks}")
    if order.conditions is not None and order.conditions.peg_to is not None:
        at = _peg_words(order.conditions, order.price_ticks)
    terms = "post-only" if order.post_only else order.time_in_force.name.lower()
    name = "" if order.client_order_id is None else f" as {order.client_order_id!r}"
    asked = order.conditions
    quantity = str(order.quantity_lots) if order.quantity_lots or asked is None else f"for {asked.quote_minor}"
    mode = "" if asked is None or asked.self_trade is None else f", {asked.self_trade.name.lower()}"
    if asked is not None and asked.visible_lots is not None:
        quantity += f" ({asked.visible_lots} shown)"
    return f"{order.user_id} {side} {quantity} {at} {terms} on {order.market}{name}{mode}"


def _peg_words(asked: Conditions, price_ticks: int | None) -> str:
    assert asked.peg_to is not None
    more = "" if asked.peg_offset_ticks is None else f" less {asked.peg_offset_ticks}"
    more += "" if asked.peg_levels is None else f" levels {asked.peg_levels}"
    limit = "" if price_ticks is None else f" limit {price_ticks}"
    follows = "" if asked.peg_follows is None else " follows"
    return f"pegged to {asked.peg_to.name.lower()}{more}{limit}{follows}"


def summary(outcome: Outcome) -> str:
    """What came of a command, in a few words."""
    if isinstance(outcome, Rejected):
        return outcome.reason.value
    if isinstance(outcome, Duplicate):
        return f"retry of order_id {outcome.order_id}"
    events = outcome.events if outcome is not None else []
    trades = [f"{event.quantity_lots} @ {event.price_ticks}" for event in events if isinstance(event, Trade)]
    updates = [event for event in events if isinstance(event, OrderUpdated)]
    ends = [f"{updates[-1].status.name.lower()}"] if updates else []
    return ", ".join(trades + ends) or "done"
