"""Rows as PostgreSQL reads them: arrays of records, in which names stand bare."""

import asyncio

import pytest

from exchange.store.rows import NULL, PIECE, bare, numbers, records


async def test_rows_travel_as_an_array_of_records() -> None:
    rows = {1: (1, "a", NULL, True), 2: (2, "b-c", "10", False)}
    assert await records([1, 2], rows.__getitem__) == '{"(1,a,,true)","(2,b-c,10,false)"}'


async def test_many_rows_travel_as_one_array_and_the_loop_has_its_turns() -> None:
    turns = 0

    async def somebody_else() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(somebody_else())
    text = await records(range(3 * PIECE + 1), lambda number: (number, "a"))
    other.cancel()
    assert text == "{" + ",".join(f'"({number},a)"' for number in range(3 * PIECE + 1)) + "}"
    assert turns >= 3


def test_ids_travel_as_an_array_of_numbers() -> None:
    assert numbers([7, 2**62]) == "{7,4611686018427387904}"


@pytest.mark.parametrize("name", ["", "a,b", "a)", 'a"', "a\\", "{a}", "a b", "a\n", "a\0", "é"])
def test_a_name_that_a_record_would_read_otherwise_does_not_come_to_be(name: str) -> None:
    with pytest.raises(AssertionError):
        bare(name)


@pytest.mark.parametrize("name", ["random1", "@external", "config:random1:SOL", "A.b_c-9", "null"])
def test_names_that_the_api_and_the_configuration_admit_stand_as_they_are(name: str) -> None:
    assert bare(name) == name
