"""The native names of enumerated values and of channels."""

from exchange.core.candles import INTERVAL_NAMES
from exchange.core.commands import ListType, OrderType, ReplaceMode, Side, TimeInForce
from exchange.core.conditions import PegTo, SelfTrade
from exchange.core.events import ExpireReason, OrderStatus, UpdateReason
from exchange.core.instrument import FeeAsset, MarketStatus
from exchange.core.list_events import ListEnd
from exchange.core.money import TransferKind, WithdrawalStatus
from exchange.core.public import Channel

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
ORDER_TYPES = {order_type.name.lower(): order_type for order_type in OrderType}
SELF_TRADE_MODES = {mode.name.lower(): mode for mode in SelfTrade}
PEGS = {peg_to.name.lower(): peg_to for peg_to in PegTo}
REPLACE_MODES = {mode.name.lower(): mode for mode in ReplaceMode}
TIMES_IN_FORCE = {time_in_force.name.lower(): time_in_force for time_in_force in TimeInForce}

# Names by value: the values count from zero, and a tuple is found faster than an enumeration's hash. The last may be of
# the value -1.
SIDE_NAMES = tuple(SIDES)
ORDER_TYPE_NAMES = tuple(ORDER_TYPES)
SELF_TRADE_NAMES = tuple(SELF_TRADE_MODES)
PEG_NAMES = tuple(PEGS)
TIME_IN_FORCE_NAMES = tuple(TIMES_IN_FORCE)
PENDING_NAMES = (None, "trigger", "list")
STATUS_NAMES = tuple(status.name.lower() for status in OrderStatus)
FEE_ASSETS = {paid_in.name.lower(): paid_in for paid_in in FeeAsset}
FEE_ASSET_NAMES = tuple(FEE_ASSETS)
MARKET_STATUSES = {status.name.lower(): status for status in MarketStatus}
MARKET_STATUS_NAMES = tuple(MARKET_STATUSES)
# A reason that an order was canceled for is stored among those that it expired for; on the wire they are two fields.
CANCEL_REASONS = {
    ExpireReason.USER_DISABLED: "disabled",
    ExpireReason.USER_RESET: "reset",
    ExpireReason.CANCEL_ALL_AFTER: "cancel_all_after",
    ExpireReason.DISCONNECT: "disconnect",
    ExpireReason.LIST: "list",
    ExpireReason.REPLACED: "replaced",
}
EXPIRE_REASON_NAMES = tuple(None if reason in CANCEL_REASONS else reason.name.lower() for reason in ExpireReason)
CANCEL_REASON_NAMES = ("owner", *CANCEL_REASONS.values())
WITHDRAWAL_STATUS_NAMES = tuple(status.name.lower() for status in WithdrawalStatus)
POSTING_CAUSES = ("trade", "fee", *(kind.name.lower() for kind in TransferKind))
LIST_TYPES = {list_type.name.lower(): list_type for list_type in ListType}
LIST_TYPE_NAMES = tuple(LIST_TYPES)
LIST_STATUS_NAMES = ("executing", "all_done")
LIST_END_NAMES = tuple(end.name.lower() for end in ListEnd)
LIST_CHANGE_NAMES = ("placed", "updated", "done")
UPDATE_REASON_NAMES = tuple(reason.name.lower() for reason in UpdateReason)

LOG_LEVELS = {name: name for name in ("debug", "info", "warning", "error")}

PUBLIC = ("trade", "depth", "book_ticker", "ticker", *(f"candle_{name}" for name in INTERVAL_NAMES))
PRIVATE = ("orders", "balances", "lists")
KIND_NAMES = (*PUBLIC, *PRIVATE)  # in the order of Kind


def name_of(channel: Channel) -> str:
    """The name of a channel."""
    return f"{KIND_NAMES[channel.kind]}@{channel.subject}"
