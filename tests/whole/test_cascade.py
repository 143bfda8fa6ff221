"""A cascade of stops in a whole exchange: other markets go on, and a kill in the middle loses nothing."""

from pathlib import Path

from exchange.testing import running_exchange
from tests.whole.cascade import RULES, Stage, check, run, run_with_kill
from tests.whole.made_once import data_directory, running_on_a_copy
from tests.whole.process import directory

STOPS = 2_000
KILLED_AFTER = 3  # commands; the whole cascade takes about sixty


async def test_orders_of_another_market_are_answered_while_stops_trigger_each_other() -> None:
    with running_on_a_copy(RULES) as exchange:
        stage = Stage(exchange, STOPS)
        await stage.set()
        ran = await run(stage)
        assert len(ran.waits_s) > 2
        assert max(ran.waits_s) < ran.took_s / 2, "they waited for the cascade"


async def test_a_cascade_that_a_kill_has_ended_goes_on_before_the_market_takes_an_order() -> None:
    with directory() as place, running_exchange(RULES, data_dir=data_directory(place / "data")) as exchange:
        data_dir: Path = place / "data"
        stage = Stage(exchange, STOPS)
        await stage.set()
        left = await run_with_kill(stage, data_dir, KILLED_AFTER)
        assert 0 < left < STOPS, "the kill came too late"
        exchange.stop()
        assert check(data_dir).startswith("all is right")
