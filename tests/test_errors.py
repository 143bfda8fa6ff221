"""The error tables are complete: every refusal of the core, every exception and every code has its code and status."""

import orjson
import pytest

from exchange.api.native.errors import MESSAGES, STATUS, ApiError, error_response
from exchange.core.events import Rejected, RejectReason
from exchange.pipeline import outcomes, projector
from exchange.pipeline.outcomes import OVERLOADED, Outcome
from exchange.service.codes import CODE_OF_EXCEPTION, CODE_OF_REASON, Code, code_of, refusal_of

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


@pytest.mark.parametrize(
    ("status", "code"), [(status, code) for status, codes in CONTRACT.items() for code in sorted(codes)]
)
def test_every_code_of_the_contract_has_its_status(status: int, code: str) -> None:
    assert STATUS[code] == status


def test_every_message_belongs_to_a_code() -> None:
    assert MESSAGES.keys() <= STATUS.keys()


@pytest.mark.parametrize("code", STATUS)
def test_every_code_makes_the_one_shape(code: str) -> None:
    error = ApiError(code, None if code in MESSAGES else "It is so.")
    response = error_response(error)
    assert response.status == STATUS[code]
    assert orjson.loads(response.body).keys() == {"code", "message"}
    assert ("Retry-After" in dict(response.headers)) == (STATUS[code] in (429, 503))


def test_a_message_can_always_be_sent() -> None:
    error = ApiError("INVALID_FIELD", "what \ud800 is this" * 100)
    assert error_response(error).status == 400
    assert len(error.message) <= 500


@pytest.mark.parametrize("code", Code)
def test_every_code_of_the_service_has_a_status_and_a_message(code: Code) -> None:
    assert code in STATUS
    assert code in MESSAGES or code in ("UNAUTHENTICATED", "FORBIDDEN", "RATE_LIMITED")  # which always say more


def test_every_reason_of_the_core_is_a_code() -> None:
    assert set(CODE_OF_REASON) == set(RejectReason)
    assert all(CODE_OF_REASON[reason].value == reason.value for reason in RejectReason)


def test_every_exception_of_the_pipeline_is_in_the_table() -> None:
    modules = (outcomes, projector)
    raised = {
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__ == module.__name__
    }
    assert raised == set(CODE_OF_EXCEPTION)


def test_what_is_in_no_table_is_a_bug() -> None:
    assert code_of(ZeroDivisionError()) is Code.INTERNAL


@pytest.mark.parametrize("outcome", [OVERLOADED, *(Rejected(reason) for reason in RejectReason)])
def test_every_outcome_that_changes_nothing_has_a_code(outcome: Outcome) -> None:
    code = refusal_of(outcome).code
    assert code == (outcome.reason if isinstance(outcome, Rejected) else "OVERLOADED")
