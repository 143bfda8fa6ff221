"""A big map does what a dict does, and moves to a larger place in parts that are not full at the same time."""

from hypothesis import given
from hypothesis import strategies as st

from exchange.core.big_map import PARTS, RUN_BITS, BigMap

keys = st.integers(0, 5) | st.integers(0, PARTS << RUN_BITS + 1) | st.tuples(st.text(max_size=3), st.text(max_size=3))


@given(st.lists(st.tuples(keys, st.booleans())))
def test_it_does_what_a_dict_does(steps: list[tuple[object, bool]]) -> None:
    plain: dict[object, int] = {}
    big: BigMap[object, int] = BigMap()
    for value, (key, goes) in enumerate(steps):
        assert big.get(key) == plain.get(key)
        if goes and key in plain:
            del plain[key]
            big.remove(key)
        else:
            plain[key] = value
            big.put(key, value)
        assert len(big) == len(plain)
    assert sorted(big.values()) == sorted(plain.values())


def test_ids_that_follow_each_other_fill_one_part_after_the_other() -> None:
    big: BigMap[int, int] = BigMap()
    run = 1 << RUN_BITS
    for number in range(3 * run):
        big.put(number, number)
    sizes = [len(part) for part in big._parts]
    assert sizes == [run] * 3 + [0] * (PARTS - 3)
    for number in range(3 * run, 2 * PARTS * run):
        big.put(number, number)
    assert [len(part) for part in big._parts] == [2 * run] * PARTS
