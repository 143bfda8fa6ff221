"""What a wrong or overtaxed stream of events looks like to its reader."""

import asyncio

import pytest

from exchange.client import ApiError, Book, Event, Feed, Gap, Socket
from tests.client.fake import CHANNEL, FakeFeeds, diff, event, serving, snapshot


async def read(feed: Feed, count: int) -> list[int | Gap]:
    """Counts of events, and gaps."""
    items = [await anext(feed) for _ in range(count)]
    return [item.channel_sequence if isinstance(item, Event) else item for item in items]


async def test_a_lost_event_is_a_gap() -> None:
    fake, heard = FakeFeeds(4), list[Gap]()
    async with serving(fake) as url, Socket(url, on_gap=heard.append) as socket:
        feed = await socket.subscribe(CHANNEL)
        await fake.say(event(5), event(8), event(9))
        assert await read(feed, 4) == [5, Gap(CHANNEL, 6, 7, "lost"), 8, 9]
    assert heard == [Gap(CHANNEL, 6, 7, "lost")]


async def test_a_conflated_event_stands_for_those_it_names() -> None:
    fake = FakeFeeds(0)
    async with serving(fake) as url, Socket(url) as socket:
        feed = await socket.subscribe(CHANNEL)
        await fake.say(event(1), event(5, first=2), event(9, first=7))
        assert await read(feed, 4) == [1, 5, Gap(CHANNEL, 6, 6, "lost"), 9]


async def test_the_state_that_a_channel_begins_with_has_the_count_of_its_greeting() -> None:
    fake = FakeFeeds(7)
    async with serving(fake) as url, Socket(url) as socket:
        feed = await socket.subscribe(CHANNEL)
        await fake.say(event(7), event(8), event(8), event(9))
        assert await read(feed, 3) == [7, 8, 9], "and a second time it is old"


async def test_an_exchange_that_counts_from_the_beginning_is_another_one() -> None:
    fake = FakeFeeds(7, 2)
    async with serving(fake) as url, Socket(url) as socket:
        feed = await socket.subscribe(CHANNEL)
        await fake.hang_up()
        await fake.subscription(2)
        await fake.say(event(3))
        assert await read(feed, 2) == [Gap(CHANNEL, 1, 2, "reset"), 3]


async def test_a_slow_reader_finds_a_gap_and_then_the_newest() -> None:
    fake, heard = FakeFeeds(0, 0), list[Gap]()
    async with serving(fake) as url, Socket(url, on_gap=heard.append) as socket:
        feed = await socket.subscribe(CHANNEL, unread_max=3)
        await fake.say(*(event(count) for count in range(1, 9)))
        await socket.subscribe("trade@M")  # its answer comes after the events
        assert await read(feed, 2) == [Gap(CHANNEL, 1, 7, "unread"), 8]
    assert heard == [], "the socket has lost nothing"


async def test_a_channel_that_is_refused_after_a_reconnection_ends_its_feed() -> None:
    fake = FakeFeeds(0, "UNKNOWN_USER")
    async with serving(fake) as url, Socket(url) as socket:
        feed = await socket.subscribe(CHANNEL)
        await fake.hang_up()
        with pytest.raises(ApiError, match="UNKNOWN_USER"):
            await anext(feed)


async def test_a_channel_that_cannot_be_renewed_yet_is_asked_for_again() -> None:
    fake = FakeFeeds(0, "NOT_READY", "OUTCOME_UNKNOWN", "RATE_LIMITED", 0)
    async with serving(fake) as url, Socket(url) as socket:
        feed = await socket.subscribe(CHANNEL)
        await fake.hang_up()
        await fake.subscription(5)
        await fake.say(event(1))
        assert await read(feed, 1) == [1]
        assert socket.connections == 5


BIDS, ASKS = [["9", "1"], ["8.5", "2"]], [["10", "1"], ["11", "2"]]


@pytest.mark.parametrize(
    "wrong",
    [
        event(8, diff(23, 23, [["9", "7"]], [])),  # an event is missing
        event(7, diff(24, 24, [["9", "7"]], [])),  # the events are all there, but the book's own count is not whole
        event(7, diff(20, 21, [["9", "7"]], [])),
    ],
)
async def test_a_book_with_a_hole_is_not_current_until_it_has_a_new_snapshot(wrong: dict[str, object]) -> None:
    fake = FakeFeeds(5, 8)
    async with serving(fake) as url, Socket(url) as socket:
        book = await begun(fake, socket)
        await fake.say(event(6, diff(21, 22, [["9.25", "3"], ["9", "0"]], [["9.5", "4"]])))
        await book.until(22)
        assert book.bids() == [("9.25", "3"), ("8.5", "2")]
        assert book.asks(2) == [("9.5", "4"), ("10", "1")]
        await fake.say(wrong)
        await fake.subscription(2)
        assert (book.current, book.gaps, book.last_sequence) == (False, 1, 22)
        assert book.best_bid == ("9.25", "3"), "what it shows is the last that was whole"
        await fake.say(event(8, snapshot(30, [["7", "1"]], [])), event(9, diff(31, 31, [], [["7.5", "1"]])))
        await book.until(31)
        assert (book.best_bid, book.best_ask, book.gaps) == (("7", "1"), ("7.5", "1"), 1)
        assert fake.subscribed == 2


async def begun(fake: FakeFeeds, socket: Socket) -> Book:
    """The book of `BIDS` and `ASKS`, at 20."""
    beginning = asyncio.create_task(socket.book("M"))
    await fake.subscription(1)
    await fake.say(event(5, snapshot(20, BIDS, ASKS)))
    book = await beginning
    assert (book.best_bid, book.best_ask, book.last_sequence) == (("9", "1"), ("10", "1"), 20)
    return book


async def test_an_empty_side_has_no_best() -> None:
    fake = FakeFeeds(5)
    async with serving(fake) as url, Socket(url) as socket:
        book = await begun(fake, socket)
        await fake.say(event(6, diff(21, 22, [["9", "0"], ["8.50", "0.000"]], [])))
        await book.until(22)
        assert (book.best_bid, book.bids(), book.best_ask) == (None, [], ("10", "1"))
