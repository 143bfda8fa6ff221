"""Rows as PostgreSQL reads them: arrays of records, in which names stand bare."""

import pytest

from exchange.store.rows import NULL, bare, numbers, records


def test_rows_travel_as_an_array_of_records() -> None:
    assert records([(1, "a", NULL, True), (2, "b-c", "10", False)]) == '{"(1,a,,true)","(2,b-c,10,false)"}'


def test_ids_travel_as_an_array_of_numbers() -> None:
    assert numbers([7, 2**62]) == "{7,4611686018427387904}"


@pytest.mark.parametrize("name", ["", "a,b", "a)", 'a"', "a\\", "{a}", "a b", "a\n", "a\0", "é"])
def test_a_name_that_a_record_would_read_otherwise_does_not_come_to_be(name: str) -> None:
    with pytest.raises(AssertionError):
        bare(name)


@pytest.mark.parametrize("name", ["random1", "@external", "config:random1:SOL", "A.b_c-9", "null"])
def test_names_that_the_api_and_the_configuration_admit_stand_as_they_are(name: str) -> None:
    assert bare(name) == name
