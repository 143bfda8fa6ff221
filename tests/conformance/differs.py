"""The cases that come out differently here on purpose: where, how, and why. Everything else must come out the same.

`docs/conformance.md` is rendered from this and from `cases.py`; a test fails when they disagree.
"""

from dataclasses import dataclass

from tests.conformance.cases import APPLICABLE, CASES, NOT_HERE, not_applicable


@dataclass(frozen=True)
class Differs:
    """How a case first differs, word for word as its run says it, and why that is meant."""

    how: str
    why: str


OWN_NAMES = "A client order id is its user's own: two users may use the same one. Order ids are given by the exchange."

NOTHING_LEFT = (
    "An amendment leaves something of the order: one that would leave nothing is refused and changes nothing, and the "
    "order is canceled by a cancel."
)

DIFFERS = {
    "coralme/OrderBookAllocationTest/runIteration (book must end empty)": Differs(
        "step 17: expected refused: OFF_LOT; here taken",
        "A quantity that is no multiple of the lot is refused before it becomes a command; these cases run the core.",
    ),
    "exchange-core/OrderBookBaseTest/shouldReduceAskOrder": Differs(
        "step 15: expected to be taken; here refused: OUT_OF_RANGE", NOTHING_LEFT
    ),
    "liquibook/ut_order_book/TestReplaceSizeDecreaseCancel": Differs(
        "step 12: expected to be taken; here refused: OUT_OF_RANGE", NOTHING_LEFT
    ),
    "liquibook/ut_order_book/TestReplaceSizeDecreaseTooMuch": Differs(
        "step 10: expected cancelled; here partially_filled", NOTHING_LEFT
    ),
    "coralme/DuplicateExchangeOrderIdTest/test_DuplicateRestingOrderIsRejectedWithoutChangingBook": Differs(
        "step 2: expected refused: CLIENT_ORDER_ID_CONFLICT; here taken", OWN_NAMES
    ),
    "coralme/DuplicateExchangeOrderIdTest/test_FullyFilledTakerWithDuplicateIdIsRejectedBeforeMatching": Differs(
        "step 3: expected refused: CLIENT_ORDER_ID_CONFLICT; here taken", OWN_NAMES
    ),
    "exchange-core/ITFeesExchange/shouldRequireTakerFees_GtcCancel": Differs(
        "step 2: expected refused: INSUFFICIENT_BALANCE; here taken",
        "A fee is taken from what is received, so a buy locks its price times quantity and no fee on top.",
    ),
    "liquibook/ut_stop_orders/TestStopMarketOrdersOnMarketTradeImmediately": Differs(
        "step 4: expected to be taken; here refused: WOULD_TRIGGER",
        "A stop whose price is there already is refused: its owner can place the order itself. There it enters.",
    ),
    "hft-limit-order-book/orderbook.test/test limit with postOnly": Differs(
        "step 12: expected to be taken; here refused: WOULD_TAKE",
        "A post-only order that would take is refused: it gets no id and changes nothing. There it is taken and "
        "cancelled at once; in both, nothing trades and the book stays as it was.",
    ),
}


def rendered() -> str:
    """`docs/conformance.md`."""
    same = len(APPLICABLE) - len(DIFFERS)
    lines = [
        "# Conformance",
        "",
        "Six other matching engines' own tests, kept as facts in `tests/conformance/` with their sources and licences,",
        "run through this exchange's core: `pytest tests/conformance`. This page is rendered from the tests' tables by",
        "`python -m tests.conformance`, and a test fails when they disagree.",
        "",
        f"Of {len(CASES)} cases {len(APPLICABLE)} are about features that this exchange has: {same} come out the same,",
        f"{len(DIFFERS)} differ on purpose. {len(CASES) - len(APPLICABLE)} are about features that it does not have.",
        "",
        "## Different on purpose",
        "",
    ]
    for case_id, differs in DIFFERS.items():
        lines += [f"- `{case_id}`", f"  - {differs.how}", f"  - {differs.why}"]
    lines += [
        "",
        "## Not applicable",
        "",
        "A case may miss several features; it counts for each.",
        "",
        "| feature | cases | instead |",
        "|---|---|---|",
    ]
    lines += [f"| {feature} | {count} | {NOT_HERE[feature]} |" for feature, count in sorted(not_applicable().items())]
    lines += ["", "Case by case, with what each misses:", ""]
    lines += [f"- `{case.case_id}`: {', '.join(case.not_here)}" for case in CASES if case.not_here]
    return "\n".join(lines) + "\n"
