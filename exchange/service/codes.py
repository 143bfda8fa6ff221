"""The codes of refusals, and the one table from outcomes and exceptions to them. A dialect maps codes to its errors."""

from enum import StrEnum

from exchange.core.events import Rejected, RejectReason
from exchange.pipeline.outcomes import NotTaken, Outcome, OutcomeUnknown, Overloaded, Stopping
from exchange.pipeline.projector import HistoryUnavailable
from exchange.service.results import Known


class Code(StrEnum):
    """Why a request was refused. The reasons of the core are among them, by the same names."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    TIMESTAMP_OUT_OF_WINDOW = "TIMESTAMP_OUT_OF_WINDOW"
    REPLAYED = "REPLAYED"
    UNKNOWN_USER = "UNKNOWN_USER"
    FORBIDDEN = "FORBIDDEN"
    USER_DISABLED = "USER_DISABLED"
    NOT_FOUND = "NOT_FOUND"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    UNKNOWN_ASSET = "UNKNOWN_ASSET"
    UNKNOWN_WITHDRAWAL = "UNKNOWN_WITHDRAWAL"
    TOO_MANY_KEYS = "TOO_MANY_KEYS"
    UNKNOWN_MARKET = "UNKNOWN_MARKET"
    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    CLIENT_ORDER_ID_CONFLICT = "CLIENT_ORDER_ID_CONFLICT"
    KEY_CONFLICT = "KEY_CONFLICT"
    MARKET_NAME_TAKEN = "MARKET_NAME_TAKEN"
    WITHDRAWAL_ENDED = "WITHDRAWAL_ENDED"
    TOO_MANY_WITHDRAWALS = "TOO_MANY_WITHDRAWALS"
    RULE_FIXED = "RULE_FIXED"
    TOO_MANY_MARKETS = "TOO_MANY_MARKETS"
    CANCEL_CONDITION = "CANCEL_CONDITION"
    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    MIN_NOTIONAL = "MIN_NOTIONAL"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    TOO_MANY_OPEN_ORDERS = "TOO_MANY_OPEN_ORDERS"
    WOULD_TAKE = "WOULD_TAKE"
    ORDER_CLOSED = "ORDER_CLOSED"
    UNKNOWN_LIST = "UNKNOWN_LIST"
    LIST_DONE = "LIST_DONE"
    LIST_PRICES = "LIST_PRICES"
    MARKET_NOT_TRADING = "MARKET_NOT_TRADING"
    NO_LIQUIDITY = "NO_LIQUIDITY"
    WOULD_TRIGGER = "WOULD_TRIGGER"
    NO_PRICE_LEVEL = "NO_PRICE_LEVEL"
    SELF_TRADE_PREVENTION = "SELF_TRADE_PREVENTION"
    MAX_PRICE = "MAX_PRICE"
    MIN_QUANTITY = "MIN_QUANTITY"
    MAX_QUANTITY = "MAX_QUANTITY"
    MARKET_MIN_QUANTITY = "MARKET_MIN_QUANTITY"
    MARKET_MAX_QUANTITY = "MARKET_MAX_QUANTITY"
    MAX_NOTIONAL = "MAX_NOTIONAL"
    PRICE_BAND = "PRICE_BAND"
    TOO_MANY_OPEN_STOPS = "TOO_MANY_OPEN_STOPS"
    TOO_MANY_OPEN_ICEBERGS = "TOO_MANY_OPEN_ICEBERGS"
    TOO_MANY_OPEN_LISTS = "TOO_MANY_OPEN_LISTS"
    TOO_MANY_OPEN_ORDERS_EVERYWHERE = "TOO_MANY_OPEN_ORDERS_EVERYWHERE"
    TOO_MANY_OPEN_STOPS_EVERYWHERE = "TOO_MANY_OPEN_STOPS_EVERYWHERE"
    TOO_MANY_OPEN_ICEBERGS_EVERYWHERE = "TOO_MANY_OPEN_ICEBERGS_EVERYWHERE"
    TOO_MANY_OPEN_LISTS_EVERYWHERE = "TOO_MANY_OPEN_LISTS_EVERYWHERE"
    ICEBERG_PARTS = "ICEBERG_PARTS"
    TRAILING_RANGE = "TRAILING_RANGE"
    TOO_MANY_AMENDS = "TOO_MANY_AMENDS"
    MAX_POSITION = "MAX_POSITION"
    MAX_ASSET = "MAX_ASSET"
    RATE_LIMITED = "RATE_LIMITED"
    INTERNAL = "INTERNAL"
    NOT_READY = "NOT_READY"
    OVERLOADED = "OVERLOADED"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"


class Refused(Exception):
    """A request that is refused. `message` is more precise than what the code means in general."""

    def __init__(
        self,
        code: Code,
        message: str | None = None,
        *,
        order: Known | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        """`order`: with ORDER_CLOSED, how it ended. `retry_after_s`: with RATE_LIMITED, how long to wait."""
        super().__init__(message or code)
        self.code = code
        self.message = message
        self.order = order
        self.retry_after_s = retry_after_s


CODE_OF_REASON: dict[RejectReason, Code] = {reason: Code(reason.value) for reason in RejectReason}
CODE_OF_EXCEPTION: dict[type[BaseException], Code] = {
    Overloaded: Code.OVERLOADED,
    Stopping: Code.NOT_READY,
    HistoryUnavailable: Code.NOT_READY,
    OutcomeUnknown: Code.OUTCOME_UNKNOWN,
}


def code_of(error: BaseException) -> Code:
    """The code of whatever a call of the service raises; INTERNAL is a bug."""
    return error.code if isinstance(error, Refused) else CODE_OF_EXCEPTION.get(error.__class__, Code.INTERNAL)


def refusal_of(outcome: Outcome) -> Refused:
    """The refusal that the outcome of a command is."""
    if isinstance(outcome, NotTaken):
        return Refused(Code.OVERLOADED)
    assert isinstance(outcome, Rejected), outcome
    return Refused(CODE_OF_REASON[outcome.reason], outcome.detail)
