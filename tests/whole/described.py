"""Holds every answer that a test gets against what `/openapi.json` says of the call."""

from typing import Any

import msgspec

from exchange.api.native.calls import CALLS
from exchange.api.native.errors import STATUS
from exchange.api.native.replies import BatchResults, Order, OrderWithFills, Reply

BY_NAME = {(call.method, call.path): call for call in CALLS}


def assert_as_described(method: str, path: str, status: int, answer: Any) -> None:
    """The reply has the fields of its type and no others; an error is one that the call is said to give."""
    described = BY_NAME.get((method, path))
    if described is None:
        assert status >= 400 or path in ("/openapi.json", "/asyncapi.json")
        return
    if status >= 400:
        assert_error(answer)
        assert STATUS[answer["code"]] == status
        assert answer["code"] in described.codes | {"METHOD_NOT_ALLOWED", "NOT_FOUND"}, (method, path, answer)
        return
    assert_is(answer, described.reply)
    if described.reply is BatchResults:
        for result in answer["results"]:
            if "code" in result:
                assert_error(result)
            else:
                assert_is(result, OrderWithFills if "fills" in result else Order)


def assert_is(answer: Any, reply: type[Reply]) -> None:
    """Field for field: none is missing, none is more, each has its type."""
    msgspec.convert(answer, reply, strict=True)


def assert_error(answer: Any) -> None:
    """The one error shape; a closed order comes with it, and how long to wait."""
    assert answer.keys() - {"order", "retry_after_s"} == {"code", "message"}
    assert ("order" in answer) == (answer["code"] == "ORDER_CLOSED")
    assert ("retry_after_s" in answer) == (answer["code"] == "RATE_LIMITED")
    if "order" in answer:
        assert_is(answer["order"], OrderWithFills)
