"""Rows as PostgreSQL reads them: arrays of records, in which names stand bare."""

import asyncio
import random

import pytest

from exchange.core.candles import candles_of
from exchange.store import projection, schema
from exchange.store.rows import NULL, PIECE_MAX, bare, charts, lines, numbers, records
from tests.core.test_candles import MIDNIGHT_S, shown, trade_at


async def test_rows_travel_as_an_array_of_records() -> None:
    rows = {1: (1, "a", NULL, True), 2: (2, "b-c", "10", False)}
    assert await records([1, 2], rows.__getitem__) == '{"(1,a,,true)","(2,b-c,10,false)"}'


def test_rows_that_are_copied_are_lines() -> None:
    rows = {1: (1, "a", NULL, True), 2: (2, "b-c", "10", False)}
    assert lines([1, 2], rows.__getitem__) == b"1,a,,true\n2,b-c,10,false\n"


async def test_many_rows_travel_as_one_array_and_the_loop_has_its_turns() -> None:
    turns = 0

    async def somebody_else() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(somebody_else())
    text = await records(range(3 * PIECE_MAX + 1), lambda number: (number, "a"))
    other.cancel()
    assert text == "{" + ",".join(f'"({number},a)"' for number in range(3 * PIECE_MAX + 1)) + "}"
    assert turns >= 3


async def test_candles_of_many_trades_are_those_of_all_together() -> None:
    chance = random.Random(1)
    seconds = sorted(chance.uniform(0, 7_200) for _ in range(2 * PIECE_MAX + 1))
    trades = [
        trade_at(MIDNIGHT_S + second, chance.randint(90, 110), chance.randint(1, 9), chance.choice(("A_B", "C_D")))
        for second in seconds
    ]
    made = {key: shown(candle) for key, candle in await charts(trades)}
    assert made == {key: shown(candle) for key, candle in candles_of(trades).items()}


def test_what_a_row_sets_is_every_column_but_the_key_and_the_counts() -> None:
    assert {*projection.OF_ACCOUNT, "user_id", "asset"} == set(schema.accounts.columns.keys())
    ruled = {*projection.RULES, "symbol", *projection.COUNTS}
    assert ruled == set(schema.markets.columns.keys())
    assert len(ruled) == len(projection.RULES) + 1 + len(projection.COUNTS), "a column is in both"


def test_ids_travel_as_an_array_of_numbers() -> None:
    assert numbers([7, 2**62]) == "{7,4611686018427387904}"


@pytest.mark.parametrize("name", ["", "a,b", "a)", 'a"', "a\\", "{a}", "a b", "a\n", "a\0", "é"])
def test_a_name_that_a_record_would_read_otherwise_does_not_come_to_be(name: str) -> None:
    with pytest.raises(AssertionError):
        bare(name)


@pytest.mark.parametrize("name", ["random1", "@external", "config:random1:SOL", "A.b_c-9", "null"])
def test_names_that_the_api_and_the_configuration_admit_stand_as_they_are(name: str) -> None:
    assert bare(name) == name
