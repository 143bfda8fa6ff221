"""The error table is complete: every refusal of the core and every code of the contract has a status."""

import pytest

from exchange.api.native.errors import MESSAGES, STATUS, ApiError, error_response
from exchange.core.events import RejectReason

# The contract's table, without RATE_LIMITED: the rate limits bring it.
CONTRACT = {
    400: {"MALFORMED_JSON", "INVALID_FIELD", "INVALID_NUMBER"},
    401: {"UNAUTHENTICATED", "UNKNOWN_USER"},
    403: {"FORBIDDEN"},
    404: {"UNKNOWN_MARKET", "UNKNOWN_ORDER", "NOT_FOUND"},
    405: {"METHOD_NOT_ALLOWED"},
    409: {"CLIENT_ORDER_ID_CONFLICT"},
    413: {"TOO_LARGE"},
    415: {"UNSUPPORTED_MEDIA_TYPE"},
    421: {"WRONG_HOST"},
    422: {
        "INSUFFICIENT_BALANCE",
        "OFF_TICK",
        "OFF_LOT",
        "MIN_NOTIONAL",
        "OUT_OF_RANGE",
        "TOO_MANY_OPEN_ORDERS",
        "WOULD_TAKE",
        "ORDER_CLOSED",
        "MARKET_NOT_TRADING",
    },
    503: {"NOT_READY", "OVERLOADED"},
    504: {"OUTCOME_UNKNOWN"},
}


@pytest.mark.parametrize("reason", RejectReason)
def test_every_refusal_has_a_status_and_a_message(reason: RejectReason) -> None:
    assert 400 <= STATUS[reason] < 500
    assert MESSAGES[reason]


@pytest.mark.parametrize(("status", "code"), [(status, code) for status, codes in CONTRACT.items() for code in codes])
def test_every_code_of_the_contract_has_its_status(status: int, code: str) -> None:
    assert STATUS[code] == status


def test_every_message_belongs_to_a_code() -> None:
    assert MESSAGES.keys() <= STATUS.keys()


@pytest.mark.parametrize("code", STATUS)
def test_every_code_makes_the_one_shape(code: str) -> None:
    error = ApiError(code, None if code in MESSAGES else "It is so.")
    response = error_response(error)
    assert response.status == STATUS[code]
    assert error.json().keys() == {"code", "message"}
    assert ("Retry-After" in dict(response.headers)) == (STATUS[code] in (429, 503))


def test_a_message_can_always_be_sent() -> None:
    error = ApiError("INVALID_FIELD", "what \ud800 is this" * 100)
    assert error_response(error).status == 400
    assert len(error.message) <= 500
