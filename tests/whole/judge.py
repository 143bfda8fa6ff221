"""Judges an exchange: compares what its client was answered with what the exchange shows at the end."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from exchange.client import Client, Fill, Order
from exchange.replay.driver import ReplayResult
from exchange.replay.outcome import Outcome
from exchange.replay.recording import Recording, read_recording
from exchange.replay.users import Owners
from exchange.replay.wire import EXACT, Units, client_order_id
from tests.whole.flow import Recorded
from tests.whole.process import MARKET, Exchange

USERS = ("replay-a", "replay-b")
UNITS = Units(Decimal("0.01"), Decimal("0.00000001"))
PAGE = 1000

Row = TypeVar("Row")
Page = Callable[[str | None], Awaitable[tuple[list[Row], str | None]]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at; that it was right is asserted on the way."""

    acknowledged: int
    recovered: int
    orders: int
    fills: int
    reconnects: int

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} acknowledged commands ({self.recovered} of them found out after a cut), "
            f"{self.orders} orders and {self.fills} fills checked, {self.reconnects} absences: none lost, none doubled"
        )


async def judge(exchange: Exchange, recorded: Recorded, result: ReplayResult) -> Verdict:
    """Assert that all that was acknowledged is there, once, and nothing else; and print what was looked at."""
    assert result.difference is None
    assert result.comparison is not None
    assert (result.comparison.recorded, result.comparison.made) == (recorded.trades_made, recorded.trades_made)
    tally = result.tally
    assert (tally.accepted, tally.canceled) == (recorded.adds_accepted, recorded.cancels)
    assert tally.cancels_as_recorded == recorded.cancels
    assert tally.refusals == ({"WOULD_TAKE": recorded.would_take} if recorded.would_take else {})
    assert result.book_empty

    recording = read_recording(recorded.commands, recorded.trades)
    orders, fills = 0, 0
    async with Client(exchange.url) as client:
        for user_id in USERS:
            history = await _orders(client, user_id)
            _judge_orders(recording, _of_user(recording, result, user_id), history)
            users_fills = await _fills(client, user_id)
            await _judge_balances(client, recording, user_id, users_fills)
            orders += len(history)
            fills += len(users_fills)
    assert orders == recorded.adds_accepted
    assert fills == 2 * recorded.trades_made
    checked = exchange.check()
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.startswith("all is right")
    verdict = Verdict(len(tally.acknowledged), tally.recovered, orders, fills, result.reconnects)
    print(f"{verdict}; {checked.stdout.strip()}")
    return verdict


def _of_user(recording: Recording, result: ReplayResult, user_id: str) -> list[Outcome]:
    owners = Owners(recording, USERS)
    return [outcome for outcome in result.tally.acknowledged if owners.user_of(outcome.command) == user_id]


async def _all(page_before: "Page[Row]") -> list[Row]:
    found: list[Row] = []
    before: str | None = None
    while True:
        page, before = await page_before(before)
        found += page
        if before is None:
            return found


async def _orders(client: Client, user_id: str) -> list[Order]:
    return await _all(lambda before: client.order_history(limit=PAGE, before=before, user_id=user_id))


async def _fills(client: Client, user_id: str) -> list[Fill]:
    return await _all(lambda before: client.fills(limit=PAGE, before=before, user_id=user_id))


def _judge_orders(recording: Recording, outcomes: list[Outcome], history: list[Order]) -> None:
    """Every acknowledged order once, as it was acknowledged and as its trades and its cancel left it; and no other."""
    executed: defaultdict[str, int] = defaultdict(int)
    for trade in recording.trades or ():
        executed[trade.buy_order_id] += trade.quantity
        executed[trade.sell_order_id] += trade.quantity
    canceled = {o.command.order_id for o in outcomes if o.command.action == "cancel" and o.code is None}
    by_name: defaultdict[str | None, list[Order]] = defaultdict(list)
    for order in history:
        by_name[order["client_order_id"]].append(order)
    assert len({order["order_id"] for order in history}) == len(history)
    for outcome in outcomes:
        command = outcome.command
        found = by_name[client_order_id(command.order_id)]
        if outcome.code is not None:
            assert found == [], f"{command} was refused, and is there"
            continue
        assert len(found) == 1, f"{command} was acknowledged, and is there {len(found)} times"
        (order,) = found
        assert order["order_id"] == outcome.order_id, command
        quantity = executed[command.order_id]
        assert Decimal(order["executed_quantity"]) == UNITS.quantities(quantity), command
        if command.order_id in canceled:
            expected = "canceled"
        elif command.action == "add" and quantity < command.quantity:
            assert command.kind == "market", f"{command} is neither filled nor canceled"
            expected = "expired"
        else:
            expected = "filled"
        assert order["status"] == expected, command
    adds = sum(outcome.command.action == "add" and outcome.code is None for outcome in outcomes)
    assert len(history) == adds, "an order is there that nobody was told of"


async def _judge_balances(client: Client, recording: Recording, user_id: str, fills: list[Fill]) -> None:
    """To the last minor unit: what was deposited, what the fills moved, less the fees."""
    expected: defaultdict[str, Decimal] = defaultdict(Decimal)
    base, quote = MARKET.split("_")

    def add(asset: str, amount: Decimal) -> None:
        expected[asset] = EXACT.add(expected[asset], amount)

    for user, of_quote, count in Owners(recording, USERS).needs(recording.commands):
        if user == user_id:
            add(quote if of_quote else base, UNITS.notionals(count) if of_quote else UNITS.quantities(count))
    for fill in fills:
        sign = 1 if fill["side"] == "buy" else -1
        add(base, sign * Decimal(fill["quantity"]))
        add(quote, -sign * EXACT.multiply(Decimal(fill["price"]), Decimal(fill["quantity"])))
        assert Decimal(fill["fee"]) > 0
        assert fill["fee_asset"] == (base if sign > 0 else quote)
        add(fill["fee_asset"], -Decimal(fill["fee"]))
    balances = await client.balance(user_id)
    assert {row["asset"]: Decimal(row["total"]) for row in balances} == expected
    assert all(Decimal(row["locked"]) == 0 for row in balances)
