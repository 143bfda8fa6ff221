import gc

from exchange.runtime import garbage


def test_what_survives_is_not_looked_at_again_and_the_books_are_never_gone_through() -> None:
    garbage.configure()
    garbage.configure()
    assert gc.callbacks.count(garbage._keep_old) == 1
    frozen, full = gc.get_freeze_count(), gc.get_stats()[2]["collections"]
    kept = [[number] for number in range(garbage.YOUNG_OBJECTS * (garbage.YOUNG_ROUNDS + 3))]
    assert gc.get_freeze_count() > frozen + len(kept) // 2
    assert gc.get_stats()[2]["collections"] == full


def test_a_cycle_that_dies_young_is_collected() -> None:
    garbage.configure()
    collected = gc.get_stats()[0]["collected"]
    for _ in range(garbage.YOUNG_OBJECTS * 2):
        ring: list[object] = []
        ring.append(ring)
    assert gc.get_stats()[0]["collected"] > collected
