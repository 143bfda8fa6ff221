"""The error table: every code a client can get, with its HTTP status."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from exchange.api.http.response import Response
from exchange.api.native import encode, replies
from exchange.api.native.placed import placed_json
from exchange.service.codes import Code, Refused, code_of
from exchange.service.results import BatchResult, Placed, Replaced

log = structlog.get_logger(__name__)

STATUS = {
    "MALFORMED_JSON": 400,
    "INVALID_FIELD": 400,
    "INVALID_NUMBER": 400,
    "UNAUTHENTICATED": 401,
    "UNKNOWN_USER": 401,
    "TIMESTAMP_OUT_OF_WINDOW": 401,
    "REPLAYED": 401,
    "FORBIDDEN": 403,
    "USER_DISABLED": 403,
    "UNKNOWN_MARKET": 404,
    "UNKNOWN_ORDER": 404,
    "UNKNOWN_LIST": 404,
    "UNKNOWN_KEY": 404,
    "UNKNOWN_ASSET": 404,
    "UNKNOWN_WITHDRAWAL": 404,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "CLIENT_ORDER_ID_CONFLICT": 409,
    "KEY_CONFLICT": 409,
    "MARKET_NAME_TAKEN": 409,
    "WITHDRAWAL_ENDED": 409,
    "CANCEL_CONDITION": 409,
    "REQUEST_TIMEOUT": 408,
    "TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "WRONG_HOST": 421,
    "INSUFFICIENT_BALANCE": 422,
    "OFF_TICK": 422,
    "OFF_LOT": 422,
    "MIN_NOTIONAL": 422,
    "OUT_OF_RANGE": 422,
    "TOO_MANY_OPEN_ORDERS": 422,
    "WOULD_TAKE": 422,
    "ORDER_CLOSED": 422,
    "LIST_DONE": 422,
    "LIST_PRICES": 422,
    "TOO_MANY_KEYS": 422,
    "RULE_FIXED": 422,
    "TOO_MANY_MARKETS": 422,
    "TOO_MANY_WITHDRAWALS": 422,
    "MARKET_NOT_TRADING": 422,
    "NO_LIQUIDITY": 422,
    "SELF_TRADE_PREVENTION": 422,
    "MAX_PRICE": 422,
    "MIN_QUANTITY": 422,
    "MAX_QUANTITY": 422,
    "MARKET_MIN_QUANTITY": 422,
    "MARKET_MAX_QUANTITY": 422,
    "MAX_NOTIONAL": 422,
    "PRICE_BAND": 422,
    "TOO_MANY_OPEN_STOPS": 422,
    "TOO_MANY_OPEN_ICEBERGS": 422,
    "TOO_MANY_OPEN_LISTS": 422,
    "TOO_MANY_OPEN_ORDERS_EVERYWHERE": 422,
    "TOO_MANY_OPEN_STOPS_EVERYWHERE": 422,
    "TOO_MANY_OPEN_ICEBERGS_EVERYWHERE": 422,
    "TOO_MANY_OPEN_LISTS_EVERYWHERE": 422,
    "ICEBERG_PARTS": 422,
    "TRAILING_RANGE": 422,
    "TOO_MANY_AMENDS": 422,
    "MAX_POSITION": 422,
    "MAX_ASSET": 422,
    "WOULD_TRIGGER": 422,
    "NO_PRICE_LEVEL": 422,
    "RATE_LIMITED": 429,
    "INTERNAL": 500,
    "NOT_READY": 503,
    "OVERLOADED": 503,
    "OUTCOME_UNKNOWN": 504,
    "HTTP_VERSION_NOT_SUPPORTED": 505,
}

MESSAGES = {
    "UNKNOWN_USER": "There is no such user.",
    "TIMESTAMP_OUT_OF_WINDOW": "The timestamp is too old, ahead of the exchange's time, or before its start.",
    "NOT_FOUND": "There is no such thing.",
    "REPLAYED": "This signature has been used; each counts once.",
    "USER_DISABLED": "The user is disabled and may place no orders.",
    "UNKNOWN_KEY": "There is no such key, or it was revoked before.",
    "UNKNOWN_ASSET": "There is no such asset.",
    "UNKNOWN_WITHDRAWAL": "There is no withdrawal of this key, or it ended long ago.",
    "WITHDRAWAL_ENDED": "The withdrawal has ended in the other way.",
    "TOO_MANY_WITHDRAWALS": "As many withdrawals are pending as may be; settle or release some first.",
    "MARKET_NAME_TAKEN": "Another market has this name, but for where its _ is.",
    "RULE_FIXED": "This rule of something that exists cannot change.",
    "TOO_MANY_MARKETS": "The exchange has as many markets, or assets, as it may have.",
    "TOO_MANY_KEYS": "The user, or the exchange, has as many keys as it may have; revoke one first.",
    "UNKNOWN_MARKET": "There is no such market.",
    "UNKNOWN_ORDER": "You have no such order in this market.",
    "UNKNOWN_LIST": "You have no such list in this market.",
    "CLIENT_ORDER_ID_CONFLICT": "This client_order_id, or client_list_id, belongs to something with other content.",
    "KEY_CONFLICT": "This key belongs to something with other content.",
    "CANCEL_CONDITION": "The order is not as only_if says; it stays open.",
    "INSUFFICIENT_BALANCE": "Your available balance does not cover this.",
    "OFF_TICK": "The price is no multiple of the market's tick_size.",
    "OFF_LOT": "The quantity is no multiple of the market's lot_size.",
    "MIN_NOTIONAL": "Price times quantity is less than the market's min_notional.",
    "OUT_OF_RANGE": "A quantity or amount is zero, or a number is larger than the exchange can hold.",
    "TOO_MANY_OPEN_ORDERS": "You have as many open orders as the market's max_open_orders allows.",
    "WOULD_TAKE": "The post-only order would trade at once.",
    "ORDER_CLOSED": "The order is no longer open.",
    "LIST_DONE": "All orders of the list have ended.",
    "LIST_PRICES": "The legs are not on either side of the last price.",
    "MARKET_NOT_TRADING": "The market does not take this order now.",
    "NO_LIQUIDITY": "The book has nothing that this quote_quantity buys or sells even one lot of.",
    "SELF_TRADE_PREVENTION": "The market does not allow this mode of self-trade prevention.",
    "MAX_PRICE": "A price is more than the market's max_price.",
    "MIN_QUANTITY": "The quantity is less than the market's min_quantity.",
    "MAX_QUANTITY": "The quantity is more than the market's max_quantity.",
    "MARKET_MIN_QUANTITY": "The quantity is less than the market's market_min_quantity.",
    "MARKET_MAX_QUANTITY": "The quantity is more than the market's market_max_quantity.",
    "MAX_NOTIONAL": "Price times quantity is more than the market's max_notional.",
    "PRICE_BAND": "The price is too far from the market's average price.",
    "TOO_MANY_OPEN_STOPS": "You have as many orders that wait for a price as the market's max_open_stops allows.",
    "TOO_MANY_OPEN_ICEBERGS": "You have as many open icebergs as the market's max_open_icebergs allows.",
    "TOO_MANY_OPEN_LISTS": "You have as many open lists as the market's max_open_lists allows.",
    "TOO_MANY_OPEN_ORDERS_EVERYWHERE": "You have as many open orders in all markets as the exchange allows.",
    "TOO_MANY_OPEN_STOPS_EVERYWHERE": "You have as many orders that wait for a price as the exchange allows.",
    "TOO_MANY_OPEN_ICEBERGS_EVERYWHERE": "You have as many open icebergs in all markets as the exchange allows.",
    "TOO_MANY_OPEN_LISTS_EVERYWHERE": "You have as many open lists in all markets as the exchange allows.",
    "ICEBERG_PARTS": "The iceberg would have more parts than the market's max_iceberg_parts allows.",
    "TRAILING_RANGE": "The trailing_delta is outside of what the market allows.",
    "TOO_MANY_AMENDS": "The order was amended as often as the market's max_amends_per_order allows.",
    "MAX_POSITION": "With this order you could have more of the base than the market's max_position allows.",
    "MAX_ASSET": "The order moves more of an asset than the market's max_base or max_quote allows.",
    "WOULD_TRIGGER": "The last price is already where the order waits for it.",
    "NO_PRICE_LEVEL": "The book has no price level that the order could be pegged to.",
    "INTERNAL": "The exchange failed to answer; the failure is in its log.",
    "NOT_READY": "The exchange cannot trade now.",
    "OVERLOADED": "The exchange has more to do than it can; nothing was done.",
    "OUTCOME_UNKNOWN": "Not confirmed in time; it may still happen: ask, or retry with the same client_order_id.",
}

# What the codes mean whose message depends on the request.
MEANINGS = MESSAGES | {
    "MALFORMED_JSON": "The body is not JSON, or does not arrive as its headers announce.",
    "INVALID_FIELD": "A field is missing, unknown, of the wrong type, or has an invalid value; the message names it.",
    "INVALID_NUMBER": "A price, quantity or amount is not plain decimal text.",
    "UNAUTHENTICATED": "The request does not say who asks.",
    "FORBIDDEN": "The user, the address or the origin may not do this.",
    "NOT_FOUND": "There is no such path.",
    "METHOD_NOT_ALLOWED": "The path does not take this method.",
    "REQUEST_TIMEOUT": "The headers or the body of the request did not arrive in time.",
    "TOO_LARGE": "The body or the headers are too long.",
    "UNSUPPORTED_MEDIA_TYPE": "The body comes without Content-Type: application/json.",
    "WRONG_HOST": "The exchange does not serve this Host.",
    "RATE_LIMITED": "Too many requests of an address, or orders of a user.",
    "HTTP_VERSION_NOT_SUPPORTED": "The request is neither HTTP/1.1 nor HTTP/1.0.",
}

RETRY_AFTER_S = 1  # for NOT_READY and OVERLOADED: both pass within about that, or not soon at all


class ApiError(Exception):
    """A request that is answered with an error of the table.

    `order` goes with ORDER_CLOSED, `retry_after_s` with RATE_LIMITED.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        order: replies.OrderWithFills | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        assert code in STATUS, code
        text = message if message is not None else MESSAGES[code]
        # What a client sent may be quoted here, and not every text that JSON can spell can be sent back.
        self.message = text.encode("utf-8", "replace").decode()[:500]
        super().__init__(self.message)
        self.code = code
        self.order: replies.OrderWithFills | msgspec.UnsetType = msgspec.UNSET if order is None else order
        self.retry_after_s: int | msgspec.UnsetType = msgspec.UNSET if retry_after_s is None else retry_after_s

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS[self.code]

    def body(self) -> replies.Error:
        """The one error shape."""
        return replies.Error(self.code, self.message, self.order, self.retry_after_s)


def error_response(error: ApiError) -> Response:
    """The reply that the error is."""
    headers: list[tuple[str, str]] = []
    if error.status in (429, 503):
        wait_s = error.retry_after_s
        headers.append(("Retry-After", str(RETRY_AFTER_S if wait_s is msgspec.UNSET else wait_s)))
    return Response(encode.json_of(error.body()), error.status, headers=headers)


def api_error(error: BaseException, what: str, request_id: str) -> ApiError:
    """What the client is told. A bug is logged; what a client or the outside world does is not."""
    if isinstance(error, ApiError):
        return error
    code = code_of(error)
    if isinstance(error, Refused):
        order = None if error.order is None else encode.order_read(error.order.read, error.order.rules)
        return ApiError(code, error.message, order=order, retry_after_s=error.retry_after_s)
    if code is Code.INTERNAL:
        log.error("request failed", what=what, request_id=request_id, exc_info=error)
    return ApiError(code)


class Refusals:
    """Turns what went wrong into errors of the table, and counts them by code."""

    def __init__(self) -> None:
        self.by_code: Counter[str] = Counter()

    def error_of(self, error: BaseException, what: str, request_id: str) -> ApiError:
        """The error that the client gets."""
        made = api_error(error, what, request_id)
        log.debug("request refused", what=what, code=made.code, message=made.message, request_id=request_id)
        self.by_code[made.code] += 1
        return made

    def replaced(self, made: Replaced, what: str, request_id: str) -> replies.Replaced:
        """What both parts of a replacement came to."""
        canceled, placed = made.canceled, made.placed
        if isinstance(canceled, BaseException):
            first: Any = self.error_of(canceled, what, request_id).body()
        else:
            first = None if canceled is None else encode.order(canceled, made.rules)
        if isinstance(placed, BaseException):
            return replies.Replaced(first, self.error_of(placed, what, request_id).body())
        return replies.Replaced(first, encode.result(placed))

    def batch_results(self, results: Sequence[BatchResult], what: str, request_id: str) -> replies.BatchResults:
        """What each item of a batch came to, in order."""
        return replies.BatchResults([self._batch_result(made, what, request_id) for made in results])

    def _batch_result(self, made: BatchResult, what: str, request_id: str) -> Any:
        if isinstance(made, Placed):
            return msgspec.Raw(placed_json(made))
        return self.error_of(made, what, request_id).body() if isinstance(made, BaseException) else encode.result(made)
