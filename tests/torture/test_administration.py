"""What an administrator did and what became of it: each thing that may go wrong, planted, is found."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from exchange.client import ApiError, Client, Unreachable
from exchange.torture.administrator import Administrator, Pruning
from exchange.torture.checker import check
from exchange.torture.record import End, Guest, History
from tests.torture.stories import clean

Plant = Callable[[History], Any]


def guest(history: History, does: str, **fields: Any) -> None:
    """Another row is there of the guest of this kind."""
    rows = history.final.guests
    rows[f"g-{does}"] = replace(rows[f"g-{does}"], **fields)


PLANTED: dict[str, tuple[Plant, str]] = {
    "a reset that did not happen": (
        lambda h: guest(h, "reset", available="100"),
        "doubled: g-reset (reset) has 100 USDC available, and should have [Decimal('7')]",
    ),
    "a reset that left an order": (
        lambda h: guest(h, "reset", statuses=["pending"]),
        "wrong: g-reset (reset) has orders that are ['pending'], and not ['canceled']",
    ),
    "an order of a guest twice": (
        lambda h: guest(h, "revoke", statuses=["pending", "pending"]),
        "doubled: g-revoke (revoke) has orders",
    ),
    "an order of a guest that is gone": (
        lambda h: guest(h, "revoke", statuses=[]),
        "lost: g-revoke (revoke) has orders that are []",
    ),
    "money that stayed locked": (
        lambda h: guest(h, "disable", locked="1"),
        "wrong: g-disable (disable) has 1 USDC locked, and not 0",
    ),
    "a guest who is enabled again": (
        lambda h: guest(h, "disable", disabled=False),
        "wrong: g-disable (disable) is enabled",
    ),
    "a key that still works": (
        lambda h: guest(h, "revoke", keys=["k"]),
        "wrong: g-revoke (revoke) has keys that were revoked: ['k']",
    ),
    "a faucet that gave nothing": (
        lambda h: guest(h, "faucet", available="99"),
        "lost: g-faucet (faucet) has 99 USDC available",
    ),
    "a faucet that gave too often": (
        lambda h: guest(h, "faucet", available="174"),
        "doubled: g-faucet (faucet) has 174 USDC available",
    ),
    "a guest who is gone": (lambda h: h.final.guests.pop("g-reset"), "lost: g-reset is not there"),
    "a guest without an answer": (
        lambda h: setattr(h.guests[0], "settled", False),
        "wrong: g-reset (reset) was never answered",
    ),
    "a guest who was refused": (
        lambda h: h.guests[0].codes.append("KEY_CONFLICT"),
        "wrong: g-reset (reset) was refused with ['KEY_CONFLICT']",
    ),
    "a listed market that is gone": (
        lambda h: h.final.taker_fees.clear(),
        "lost: ITEM0_USDC was listed, and is not there",
    ),
    "a change of rules that was taken back": (
        lambda h: h.final.taker_fees.update(ITEM0_USDC="0.001"),
        "wrong: ITEM0_USDC has a taker fee of 0.001, and was given 0.002",
    ),
    "a listing without an answer": (
        lambda h: setattr(h.listed[0], "settled", False),
        "wrong: ITEM0_USDC was never answered",
    ),
    "a listing that was refused": (
        lambda h: h.listed[0].codes.append("RULE_FIXED"),
        "wrong: ITEM0_USDC was refused with ['RULE_FIXED']",
    ),
    "a pruning that ends with a traceback": (
        lambda h: h.prunes.append(End(1, "ValueError")),
        "wrong: exchange journal prune ended with exit code 1 and the words 'ValueError'",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_judge_finds(name: str) -> None:
    plant, finding = PLANTED[name]
    history = clean()
    plant(history)
    findings = [str(found) for found in check(history)]
    assert any(finding in said for said in findings), findings


class House:
    """Answers calls that revoke a key with one of these after the other."""

    def __init__(self, *answers: Exception | None) -> None:
        self._answers = list(answers)

    async def call(self, method: str, path: str, **_: Any) -> Any:
        """A key is made and found; to revoke it has the next answer."""
        if method == "DELETE" and (error := self._answers.pop(0)) is not None:
            raise error
        return {"keys": [{"api_key": "a"}]} if method == "GET" else {}


GONE = ApiError(404, "UNKNOWN_KEY", "", None, {})


@pytest.mark.parametrize(
    ("answers", "codes"),
    [
        ([None], []),
        ([Unreachable(), GONE], []),  # the first attempt has revoked it
        ([ApiError(503, "OUTCOME_UNKNOWN", "", None, {}), GONE], []),
        ([GONE], ["UNKNOWN_KEY"]),
        ([ApiError(503, "OVERLOADED", "", None, {}), GONE], ["UNKNOWN_KEY"]),
    ],
)
async def test_a_key_that_an_attempt_without_an_answer_has_revoked_is_no_finding(
    answers: list[Exception | None], codes: list[str]
) -> None:
    guest = Guest("g", "revoke", "1")
    house = cast(Client, House(*answers))
    await Administrator(house, clean(), cast(Pruning, None), asyncio.Event())._revoke(guest)
    assert guest.codes == codes
