"""A whole run against an exchange that stays: money, order, judgement, the command line."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exchange.failure import Failure
from exchange.replay.command import replay_command
from exchange.replay.driver import ReplayOptions, ReplayResult, choose_market, replay
from tests.replay.fake import FakeExchange, Fault, serving
from tests.replay.stories import record, write_commands, write_trades

LINES = [
    "1 ask limit 10000 200000000",
    "2 ask limit 10100 300000000",
    "3 bid post_only 10000 100000000",
    "4 bid limit 10100 400000000",
    "5 bid limit 9900 100000000",
    "6 ask market 0 50000000",
    "cancel 2 ask 10100 100000000",
    "cancel 5 bid 9900 50000000",
]


class Files:
    def __init__(self, folder: Path) -> None:
        self.commands = write_commands(folder / "commands.csv", LINES)
        self.trades = write_trades(folder / "trades.csv", record(LINES)[1])

    def with_trade(self, number: int, **cells: object) -> Path:
        """The trades file with cells of one row (from 1) changed."""
        rows = [list(row) for row in record(LINES)[1]]
        columns = ["trade_id", "cmd_seq", "ts", "taker_side", "price", "qty", "buy_order_id", "sell_order_id"]
        for name, value in cells.items():
            rows[number - 1][columns.index(name)] = value
        return write_trades(self.trades, rows)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


async def run(files: Files, fake: FakeExchange, trades: bool = True) -> ReplayResult:
    async with serving(fake) as url:
        return await replay(ReplayOptions(files.commands, trades=files.trades if trades else None, url=url))


async def test_a_recording_is_replayed_as_recorded(files: Files) -> None:
    fake = FakeExchange()
    heard: list[tuple[int, int]] = []
    async with serving(fake) as url:
        options = ReplayOptions(files.commands, trades=files.trades, url=url)
        result = await replay(options, lambda done, total: heard.append((done, total)))
    assert result.difference is None
    assert result.comparison is not None
    assert (result.comparison.recorded, result.comparison.made, result.trades) == (3, 3, 3)
    assert (result.sent, result.tally.accepted, result.tally.canceled) == (8, 5, 2)
    assert result.tally.refusals == {"WOULD_TAKE": 1}
    assert result.book_empty
    assert heard[0] == (0, 8)
    assert heard[-1] == (8, 8)
    p50, p99 = result.latency_s(50), result.latency_s(99)
    assert p50 is not None
    assert p99 is not None
    assert 0 < p50 <= p99


async def test_without_the_trades_each_side_is_a_user(files: Files) -> None:
    fake = FakeExchange()
    result = await run(files, fake, trades=False)
    assert result.comparison is None
    assert result.difference is None
    assert result.trades == 3
    assert [user for user, _ in fake.batches] == ["replay-b", "replay-a", "replay-b", "replay-a"]


async def test_each_user_gets_once_what_it_can_need(files: Files) -> None:
    fake = FakeExchange()
    await run(files, fake, trades=False)
    # Bids: 100 * 1 (the post-only) + 101 * 4 + 99 * 1; asks: 2 + 3 + 0.5.
    assert set(fake.deposits.values()) == {("replay-a", "USD", "603"), ("replay-b", "BTC", "5.5")}
    assert all(len(key) <= 36 for key in fake.deposits)


async def test_a_second_run_is_refused_before_it_spoils_the_book(files: Files) -> None:
    fake = FakeExchange()
    await run(files, fake)
    batches = list(fake.batches)
    with pytest.raises(Failure, match=r"already has order r-1 .* --resume"):
        await run(files, fake)
    assert fake.batches == batches
    assert len(fake.deposits) == 2, "and nobody was paid twice"


@pytest.mark.parametrize("fault", [Fault("overloaded", 1), Fault("overloaded", 0)])
async def test_an_overloaded_exchange_ends_the_run_as_failed(files: Files, fault: Fault) -> None:
    with pytest.raises(Failure, match="OVERLOADED") as failure:
        await run(files, FakeExchange({0: fault}))
    assert failure.value.exit_code == 1


async def test_an_answer_outside_the_contract_ends_the_run(files: Files) -> None:
    with pytest.raises(Failure, match="UNEXPECTED_REPLY"):
        await run(files, FakeExchange({0: Fault("broken", 0)}))


async def test_a_trade_that_differs_is_named(files: Files) -> None:
    files.with_trade(2, price=10099)
    result = await run(files, FakeExchange())
    named = "trade 2 (recorded as 2, by seq 3; made as 2): the price is 101, recorded is 100.99"
    assert result.comparison is not None
    assert result.comparison.difference == named
    assert result.difference == named


async def test_older_trades_of_others_are_left_out(files: Files) -> None:
    fake = FakeExchange()
    for number, (user_id, side) in enumerate([("replay-a", "buy"), ("stranger", "sell")] * 1200):
        order = {"market": "BTC_USD", "side": side, "order_type": "limit", "price": "1", "quantity": "1"}
        fake.matcher.place(user_id, order | {"client_order_id": f"old-{number}"})
    result = await run(files, fake)
    assert result.difference is None
    assert result.trades == 3


async def test_commands_that_went_another_way_are_counted_and_the_first_is_named(tmp_path: Path, files: Files) -> None:
    write_commands(
        files.commands,
        ["1 ask limit 100 5", "2 bid post_only 99 1", "cancel 1 ask 100 4", "3 ask market 0 1", "cancel 3 ask 0 0"],
    )
    write_trades(files.trades, [])
    result = await run(files, FakeExchange())
    assert result.difference == "seq 1 (add of 2) is recorded as refused with WOULD_TAKE, and was accepted"
    assert result.tally.unexpected == 3
    assert (result.tally.cancels_as_recorded, result.tally.cancels_different) == (0, 1)
    assert result.tally.refusals == {"ORDER_CLOSED": 1}


def test_the_market_is_named_or_the_only_one() -> None:
    sol: object = {"market": "SOL_USDC"}
    btc: object = {"market": "BTC_USD"}
    markets: list[object] = [sol, btc]
    assert choose_market([btc], None) is btc  # type: ignore[list-item]
    assert choose_market(markets, "SOL_USDC") is sol  # type: ignore[arg-type]
    with pytest.raises(Failure, match=r"2 markets \(SOL_USDC, BTC_USD\); choose one with --market"):
        choose_market(markets, None)  # type: ignore[arg-type]
    with pytest.raises(Failure, match="no market JUP_USDC; it has SOL_USDC, BTC_USD"):
        choose_market(markets, "JUP_USDC")  # type: ignore[arg-type]


async def command(url: str, *arguments: object) -> Result:
    """The command line, in a thread: it runs a loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, replay_command, [*map(str, arguments), "--url", url])


async def test_the_command_prints_a_table_and_exits_with_0(files: Files) -> None:
    async with serving(FakeExchange()) as url:
        shown = await command(url, files.commands, "--trades", files.trades)
    assert shown.exit_code == 0, shown.output
    for row in ("8 of 8", "refused WOULD_TAKE", "2 of 2", "empty", "3 recorded: as recorded"):
        assert row in shown.output


async def test_the_command_exits_with_1_and_names_what_is_different(files: Files) -> None:
    files.with_trade(1, qty=5)
    async with serving(FakeExchange()) as url:
        shown = await command(url, files.commands, "--trades", files.trades, "--batch", 2)
    assert shown.exit_code == 1
    assert "the quantity is 2, recorded is 0.00000005" in shown.output


async def test_the_command_says_a_failure_in_one_sentence(files: Files) -> None:
    async with serving(FakeExchange({0: Fault("overloaded", 1)})) as url:
        shown = await command(url, files.commands)
    assert shown.exit_code == 1
    assert shown.output.count("\n") == 1
    assert "OVERLOADED" in shown.output


async def test_units_other_than_cents_and_satoshi_are_given_as_decimals(files: Files) -> None:
    fake = FakeExchange()
    async with serving(fake) as url:
        shown = await command(url, files.commands, "--price-unit", "1E-3", "--quantity-unit", "0.5")
        refused = await command(url, files.commands, "--price-unit", "0")
    assert shown.exit_code == 0, shown.output
    assert str(fake.matcher.trades[0].price) == "10"
    assert fake.matcher.trades[0].quantity == 10**8
    assert refused.exit_code == 2
