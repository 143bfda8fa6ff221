"""The exceptions of a call, and how `place` sends an order again until its outcome is known.

Two requests with the same `client_order_id` and the same content are one order: the exchange answers the second with
the first order, while that is open and until a million later ids are accepted by the whole exchange. So a request whose
answer is missing can be sent again, within a time in which a million ids cannot have been accepted.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from exchange.client.numbers import Number, with_texts
from exchange.client.types import Json, Order

RETRY_S = 30.0
FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 1.0

# The codes that leave open whether a command was applied.
UNSETTLED = frozenset({"NOT_READY", "OUTCOME_UNKNOWN"})
UNEXPECTED_REPLY = "UNEXPECTED_REPLY"


class ApiError(Exception):
    """The exchange refused.

    `status` is the HTTP status (0 over a socket, which has none), `code` and `message` are the contract's (`code` is
    `UNEXPECTED_REPLY` where the body is not of the contract's shape), `retry_after_s` the header's seconds or None,
    `body` the whole decoded body.
    """

    def __init__(self, status: int, code: str, message: str, retry_after_s: float | None, body: Json) -> None:
        super().__init__(f"{code} ({status}): {message}" if status else f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s
        self.body = body

    @property
    def unsettled(self) -> bool:
        """Whether the command may have been carried out, or may still be."""
        # A failing proxy does not know the outcome either.
        return self.code in UNSETTLED or (self.code == UNEXPECTED_REPLY and self.status >= 500)


class Unreachable(Exception):
    """No complete reply: not connected, cut off, or silent for too long. The command may have been carried out."""


class Unsettled(Unreachable):
    """`place` gave up before the outcome was known; `client_order_id` finds the order, if there is one."""

    def __init__(self, client_order_id: str, why: Exception) -> None:
        super().__init__(f"the outcome of order {client_order_id} is not known: {why}")
        self.client_order_id = client_order_id


def with_client_order_id(order: Mapping[str, Any]) -> Json:
    """The order as it is sent: amounts as decimal text, and a random `client_order_id` if it has none."""
    named = with_texts(order)
    if named.get("client_order_id") is None:
        named["client_order_id"] = uuid.uuid4().hex
    return named


async def placed(send: Callable[[], Awaitable[Order]], client_order_id: str, retry_s: float) -> Order:
    """What `send` returns. Calls it again while the outcome is unsettled, for `retry_s` seconds; then raises Unsettled.

    Raises ApiError for a refusal. Nothing is awaited before the first call.
    """
    until = time.monotonic() + retry_s
    wait_s = FIRST_WAIT_S
    while True:
        try:
            return await send()
        except ApiError as error:
            if not error.unsettled:
                raise
            why: ApiError | Unreachable = error
        except Unreachable as error:
            why = error
        left_s = until - time.monotonic()
        if left_s <= 0:
            raise Unsettled(client_order_id, why) from why
        asked_s = why.retry_after_s if isinstance(why, ApiError) else None
        await asyncio.sleep(min(max(wait_s, asked_s or 0.0), left_s))
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def user_of(user_id: str | None, default: str | None) -> str:
    """The user of a call."""
    who = user_id if user_id is not None else default
    if who is None:
        raise ValueError("this call needs a user_id, here or where the client is made")
    return who


def order_name(order_id: str | None, client_order_id: str | None) -> dict[str, str]:
    """The one id that names an order."""
    if order_id is not None and client_order_id is None:
        return {"order_id": order_id}
    if client_order_id is not None and order_id is None:
        return {"client_order_id": client_order_id}
    raise ValueError("name the order by exactly one id")


def cancel_terms(
    order_id: str | None, client_order_id: str | None, only_if: str | None, cancel_id: str | None
) -> dict[str, str]:
    """What a cancel says of its order: one id or both, and the status that it wants, if any; and its own name."""
    if order_id is None and client_order_id is None:
        raise ValueError("name the order by at least one id")
    said = {"order_id": order_id, "client_order_id": client_order_id, "only_if": only_if, "cancel_id": cancel_id}
    return {name: value for name, value in said.items() if value is not None}


def amend_terms(
    quantity: Number | None,
    reduce_by: Number | None,
    key: str | None,
    price: Number | None,
    new_client_order_id: str | None,
) -> dict[str, Number]:
    """What an amendment changes."""
    said = {
        "quantity": quantity,
        "reduce_by": reduce_by,
        "key": key,
        "price": price,
        "new_client_order_id": new_client_order_id,
    }
    return {name: value for name, value in said.items() if value is not None}
