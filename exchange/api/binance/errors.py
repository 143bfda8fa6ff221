"""Errors of this dialect, `{"code": -1121, "msg": "…"}`, and the one table from the codes of the exchange to them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import structlog

from exchange.api.http.response import Response
from exchange.api.native.errors import RETRY_AFTER_S, STATUS, ApiError
from exchange.service.codes import Code, Refused, code_of

log = structlog.get_logger(__name__)

Error = tuple[int, str, int]  # code, message, HTTP status

NOT_OFFERED: Final = "This operation is not supported."
NO_KEY: Final = "Invalid API-key, IP, or permissions for action."
DUPLICATE: Final = "Duplicate order sent."
UNKNOWN_ORDER: Final = "Unknown order sent."

ERRORS: Final[Mapping[str, Error]] = {
    "MALFORMED_JSON": (-1135, "Invalid JSON Request", 400),
    "INVALID_FIELD": (-1130, "Invalid data sent for a parameter.", 400),
    "INVALID_NUMBER": (-1130, "Invalid data sent for a parameter.", 400),
    "UNAUTHENTICATED": (-2015, NO_KEY, 401),
    "UNKNOWN_USER": (-2015, NO_KEY, 401),
    "TIMESTAMP_OUT_OF_WINDOW": (-1021, "Timestamp for this request is outside of the recvWindow.", 400),
    "REPLAYED": (-1022, "Signature for this request is not valid.", 400),
    "FORBIDDEN": (-1002, "You are not authorized to execute this request.", 403),
    "USER_DISABLED": (-2010, "This action is disabled on this account.", 400),
    "UNKNOWN_MARKET": (-1121, "Invalid symbol.", 400),
    "UNKNOWN_ORDER": (-2013, "Order does not exist.", 400),
    "UNKNOWN_KEY": (-2015, NO_KEY, 401),
    "NOT_FOUND": (-1020, NOT_OFFERED, 404),
    "METHOD_NOT_ALLOWED": (-1020, NOT_OFFERED, 405),
    "CLIENT_ORDER_ID_CONFLICT": (-2010, DUPLICATE, 400),
    "KEY_CONFLICT": (-2010, DUPLICATE, 400),
    "CANCEL_CONDITION": (-2011, "Order was not canceled due to cancel restrictions.", 400),
    "REQUEST_TIMEOUT": (-1001, "Internal error; unable to process your request. Please try again.", 408),
    "TOO_LARGE": (-1101, "Too many parameters sent for this endpoint.", 413),
    "UNSUPPORTED_MEDIA_TYPE": (-1130, "Invalid data sent for a parameter.", 415),
    "WRONG_HOST": (-1002, "You are not authorized to execute this request.", 421),
    "INSUFFICIENT_BALANCE": (-2010, "Account has insufficient balance for requested action.", 400),
    "OFF_TICK": (-1013, "Filter failure: PRICE_FILTER", 400),
    "OFF_LOT": (-1013, "Filter failure: LOT_SIZE", 400),
    "MIN_NOTIONAL": (-1013, "Filter failure: NOTIONAL", 400),
    "OUT_OF_RANGE": (-1013, "Filter failure: LOT_SIZE", 400),
    "TOO_MANY_OPEN_ORDERS": (-1013, "Filter failure: MAX_NUM_ORDERS", 400),
    "MAX_PRICE": (-1013, "Filter failure: PRICE_FILTER", 400),
    "MIN_QUANTITY": (-1013, "Filter failure: LOT_SIZE", 400),
    "MAX_QUANTITY": (-1013, "Filter failure: LOT_SIZE", 400),
    "MARKET_MIN_QUANTITY": (-1013, "Filter failure: MARKET_LOT_SIZE", 400),
    "MARKET_MAX_QUANTITY": (-1013, "Filter failure: MARKET_LOT_SIZE", 400),
    "MAX_NOTIONAL": (-1013, "Filter failure: NOTIONAL", 400),
    "PRICE_BAND": (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE", 400),
    "TOO_MANY_OPEN_STOPS": (-1013, "Filter failure: MAX_NUM_ALGO_ORDERS", 400),
    "TOO_MANY_OPEN_ICEBERGS": (-1013, "Filter failure: MAX_NUM_ICEBERG_ORDERS", 400),
    "TOO_MANY_OPEN_LISTS": (-1013, "Filter failure: MAX_NUM_ORDER_LISTS", 400),
    "TOO_MANY_OPEN_ORDERS_EVERYWHERE": (-1013, "Filter failure: EXCHANGE_MAX_NUM_ORDERS", 400),
    "TOO_MANY_OPEN_STOPS_EVERYWHERE": (-1013, "Filter failure: EXCHANGE_MAX_NUM_ALGO_ORDERS", 400),
    "TOO_MANY_OPEN_ICEBERGS_EVERYWHERE": (-1013, "Filter failure: EXCHANGE_MAX_NUM_ICEBERG_ORDERS", 400),
    "TOO_MANY_OPEN_LISTS_EVERYWHERE": (-1013, "Filter failure: EXCHANGE_MAX_NUM_ORDER_LISTS", 400),
    "ICEBERG_PARTS": (-1013, "Filter failure: ICEBERG_PARTS", 400),
    "TRAILING_RANGE": (-1013, "Filter failure: TRAILING_DELTA", 400),
    "TOO_MANY_AMENDS": (-1013, "Filter failure: MAX_NUM_ORDER_AMENDS", 400),
    "MAX_POSITION": (-1013, "Filter failure: MAX_POSITION", 400),
    "MAX_ASSET": (-1013, "Filter failure: MAX_ASSET", 400),
    "WOULD_TAKE": (-2010, "Order would immediately match and take.", 400),
    "WOULD_TRIGGER": (-2010, "Order would trigger immediately.", 400),
    "NO_PRICE_LEVEL": (-2010, "Order book liquidity is too low for this pegged order.", 400),
    "ORDER_CLOSED": (-2011, UNKNOWN_ORDER, 400),
    "LIST_PRICES": (-2010, "The relationship of the prices for the orders is not correct.", 400),
    "UNKNOWN_LIST": (-2013, "Order list does not exist.", 400),
    "LIST_DONE": (-2011, UNKNOWN_ORDER, 400),
    "TOO_MANY_KEYS": (-1020, NOT_OFFERED, 400),
    "UNKNOWN_ASSET": (-1020, NOT_OFFERED, 400),
    "RULE_FIXED": (-1020, NOT_OFFERED, 400),
    "MARKET_NAME_TAKEN": (-1020, NOT_OFFERED, 400),
    "TOO_MANY_MARKETS": (-1020, NOT_OFFERED, 400),
    "UNKNOWN_WITHDRAWAL": (-1020, NOT_OFFERED, 400),
    "WITHDRAWAL_ENDED": (-1020, NOT_OFFERED, 400),
    "TOO_MANY_WITHDRAWALS": (-1020, NOT_OFFERED, 400),
    "MARKET_NOT_TRADING": (-2010, "Market is closed.", 400),
    "NO_LIQUIDITY": (-2010, "Order book liquidity is less than LOT_SIZE filter minimum quantity.", 400),
    "SELF_TRADE_PREVENTION": (
        *(-1013, "This symbol does not allow the specified self-trade prevention mode."),
        400,
    ),
    "RATE_LIMITED": (-1003, "Too many requests queued.", 429),
    "INTERNAL": (-1000, "An unknown error occurred while processing the request.", 500),
    "NOT_READY": (-1001, "Internal error; unable to process your request. Please try again.", 503),
    "OVERLOADED": (
        *(-1008, "Server is currently overloaded with other requests. Please try again in a few minutes."),
        503,
    ),
    "OUTCOME_UNKNOWN": (
        *(-1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
        504,
    ),
    "HTTP_VERSION_NOT_SUPPORTED": (-1000, "The request is neither HTTP/1.1 nor HTTP/1.0.", 505),
}


class BinanceError(Exception):
    """A request that is refused. `data` is what an error says beside its code and message."""

    def __init__(
        self,
        code: int,
        msg: str,
        status: int = 400,
        *,
        data: Any = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg
        self.status = status
        self.data = data
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, Any]:
        """The one error shape."""
        made: dict[str, Any] = {"code": self.code, "msg": self.msg}
        if self.data is not None:
            made["data"] = self.data
        return made


def illegal(name: str, legal: str) -> BinanceError:
    """A parameter with letters that it may not have."""
    return BinanceError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def mandatory(name: str) -> BinanceError:
    """A parameter that is missing, or that cannot be read."""
    return BinanceError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def not_required(name: str) -> BinanceError:
    """A parameter that does not go with the others."""
    return BinanceError(-1106, f"Parameter '{name}' sent when not required.")


def not_valid(name: str) -> BinanceError:
    """A parameter whose value is none of those it may have."""
    return BinanceError(-1130, f"Data sent for parameter '{name}' is not valid.")


def filter_failure(name: str) -> BinanceError:
    """An order that a filter of its market refuses."""
    return BinanceError(-1013, f"Filter failure: {name}")


def error_of(error: BaseException, what: str, request_id: str) -> BinanceError:
    """What the client is told. A bug is logged; what a client or the outside world does is not."""
    if isinstance(error, BinanceError):
        return error
    if isinstance(error, ApiError):
        wait_s = error.retry_after_s
        return _of_code(error.code, wait_s if isinstance(wait_s, int) else None)
    code = code_of(error)
    if code is Code.INTERNAL:
        log.error("request failed", what=what, request_id=request_id, exc_info=error)
    return _of_code(code.value, error.retry_after_s if isinstance(error, Refused) else None)


def _of_code(name: str, retry_after_s: int | None) -> BinanceError:
    # An order that is refused for a reason that has no words here is refused all the same.
    code, msg, status = ERRORS.get(name) or (-2010, f"The order was refused: {name}.", 400)
    return BinanceError(code, msg, status, retry_after_s=retry_after_s)


def response_of(error: BinanceError) -> Response:
    """The reply that the error is."""
    headers: list[tuple[str, str]] = []
    if error.status in (418, 429, 503):
        headers.append(("Retry-After", str(error.retry_after_s or RETRY_AFTER_S)))
    return Response(orjson.dumps(error.body()), error.status, headers=headers)


class BinanceRefusals:
    """Replies to requests of this dialect that failed, counted by the code of the exchange where they have one."""

    def __init__(self, by_code: Counter[str]) -> None:
        self._by_code = by_code

    def error_of(self, error: BaseException, what: str, request_id: str) -> BinanceError:
        """The error that the client gets."""
        if not isinstance(error, BinanceError):
            self._by_code[error.code if isinstance(error, ApiError) else code_of(error).value] += 1
        return error_of(error, what, request_id)

    def refuse(self, error: BaseException, what: str, request_id: str) -> Response:
        """The reply."""
        return response_of(self.error_of(error, what, request_id))

    def no_route(self, path: str, allowed: Sequence[str], request_id: str) -> Response:
        """The reply to a request that no route takes."""
        response = self.refuse(ApiError("METHOD_NOT_ALLOWED" if allowed else "NOT_FOUND", ""), path, request_id)
        if allowed:
            response.headers = [*response.headers, ("Allow", ", ".join(allowed))]
        return response


assert ERRORS.keys() <= STATUS.keys()
