"""The program that watches the page for an hour would notice what it looks for."""

import asyncio
import math

import pytest

from tests.web.changes import Flow, change
from tests.web.hour import Report, compare, differences
from tests.web.screen import Screen

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWER = {"last_sequence": 7, "bids": [["99", "1"], ["98", "2"], ["97", "3"]], "asks": [["101", "1.5"]]}


async def test_a_book_is_compared_as_far_as_the_page_shows_it() -> None:
    shown = {"bids": [["99.00", "1.0000"], ["98.00", "2.0000"]], "asks": [["101.00", "1.5000"]]}
    assert differences({"rows": 2, "answer": ANSWER, "shown": shown}) == []
    (wrong,) = differences({"rows": 3, "answer": ANSWER, "shown": shown})
    assert wrong.startswith("bids at 7: ")


async def test_a_heap_that_grows_is_a_finding() -> None:
    assert Report(heaps=[4.0, 4.5, 4.5, 4.4, 4.6, 4.5, 4.5, 4.6]).judge() == []
    assert Report(heaps=[4.0, 4.5, 4.6, 4.7, 4.8, 4.9, 5.2, 5.4]).judge() != []


async def test_a_book_that_changes_all_the_time_is_the_one_of_the_exchange(screen: Screen) -> None:
    flow = Flow(screen.market, middle=100.0, tick=0.01, near=1, far=60, quantity="1")
    changes = asyncio.create_task(change(screen.exchange.url, screen.someone(), flow, rate=100, seconds=math.inf))
    report = Report()
    for _ in range(3):
        await asyncio.sleep(1)
        await compare(screen.page, report, screen.market)
    assert not changes.done()
    changes.cancel()
    await asyncio.wait([changes])
    assert (report.compared, report.wrong) == (3, [])
    assert min(report.levels) > 10
