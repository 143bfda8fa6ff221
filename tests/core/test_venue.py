"""What holds for the venue as a whole: its numbers, its events, and its state as records."""

from dataclasses import replace

import pytest

from exchange.core.commands import AddAsset, AddUser, Command, Deposit, SetMarket
from exchange.core.events import BalanceChanged, LevelChanged, OrderUpdated, UpdateReason
from exchange.core.instrument import Asset, MarketStatus
from exchange.core.outcome import Applied, Outcome
from exchange.core.treasury import SEED_PREFIX
from exchange.core.venue import Venue
from tests.copied import copied
from tests.core.stories import (
    SOL,
    SOL_USDC,
    USDC,
    book_of,
    cancel,
    cancel_all,
    deposit,
    do,
    events_of,
    join,
    order_after,
    order_of,
    place,
    placed,
    refusal,
    retold,
    shown,
    two_markets,
    venue_of,
)

STORY = (
    "alice sell 3 @ 101 as first",
    "carol sell 5 @ 102",
    "alice sell 2 @ 101",
    "maker buy 4 @ 99",
    "bob buy 4 @ 101.5 as partly",
    "carol buy 3 @ 99 on SOL_EUR",
    "bob sell 2 @ 98 IOC on SOL_EUR",
    "bob sell 1 @ 101.5 as met-myself",
    "carol buy 9 at market",
    "maker sell 9 @ 99 FOK",
)

# --- numbers


def test_a_sequence_out_of_turn_is_a_bug() -> None:
    venue = venue_of()
    order = order_of(venue, "bob buy 1 @ 100")
    for sequence in (venue.sequence, venue.sequence + 2):
        with pytest.raises(AssertionError):
            venue.apply(order, sequence, venue.time_ns)


def test_time_may_stand_still_but_never_goes_back() -> None:
    venue = venue_of()
    order = order_of(venue, "bob buy 1 @ 100")
    venue.apply(order, venue.sequence + 1, 2_000_000)
    venue.apply(order, venue.sequence + 1, 2_000_000)
    with pytest.raises(AssertionError):
        venue.apply(order, venue.sequence + 1, 1_999_999)


def test_an_order_knows_when_it_came_and_when_it_changed() -> None:
    venue = venue_of()
    order = placed(venue, "bob buy 2 @ 100")
    created_ns = venue.time_ns
    outcome = place(venue, "alice sell 1 @ 100")
    traded = order_after(outcome, order)
    assert (traded.created_ns, traded.updated_ns) == (created_ns, venue.time_ns)
    assert traded.trade is not None
    assert traded.trade.time_ns == venue.time_ns


def test_book_changes_are_counted_without_holes_a_market() -> None:
    venue = two_markets()
    counted: dict[str, list[int]] = {"SOL_USDC": [], "SOL_EUR": []}
    for text in STORY:
        for event in events_of(place(venue, text)):
            if isinstance(event, LevelChanged):
                counted[event.market].append(event.book_sequence)
    for market, sequences in counted.items():
        assert sequences == list(range(1, len(sequences) + 1))
        assert venue.markets[market].book.sequence == len(sequences) > 0


def test_a_level_is_told_once_a_command_with_its_last_total() -> None:
    venue = book_of("alice ask 1 @ 101", "carol ask 2 @ 101", "carol ask 2 @ 102")
    told = [event for event in events_of(place(venue, "bob buy 4 @ 101.5")) if isinstance(event, LevelChanged)]
    assert [(event.price_ticks, event.total_lots) for event in told] == [(10100, 0), (10150, 1000)]


def test_a_command_that_leaves_the_book_alone_counts_nothing() -> None:
    venue = book_of("ask 1 @ 101")
    for text in ("bob buy 2 @ 101 FOK", "bob buy 1 @ 100 IOC", "maker buy 1 @ 101"):
        assert not [event for event in events_of(place(venue, text)) if isinstance(event, LevelChanged)]


# --- events


def test_events_keep_the_values_of_their_moment() -> None:
    venue = two_markets()
    outcomes = [place(venue, text) for text in STORY[:4]]
    remembered = copied(outcomes)
    for text in STORY[4:]:
        place(venue, text)
    cancel_all(venue, "carol")
    deposit(venue, "alice 1 USDC", key="more")
    assert outcomes == remembered


def test_an_order_is_accepted_first_and_then_told_step_by_step() -> None:
    venue = book_of("alice ask 1 @ 101", "carol ask 1 @ 102")
    outcome = place(venue, "bob buy 3 @ 102 IOC")
    steps = [event for event in events_of(outcome) if isinstance(event, OrderUpdated) and event.terms.user_id == "bob"]
    assert [(step.reason, step.executed_lots) for step in steps] == [
        (UpdateReason.ACCEPTED, 0),
        (UpdateReason.FILLED, 1000),
        (UpdateReason.FILLED, 2000),
        (UpdateReason.EXPIRED, 2000),
    ]
    assert [step.executed_quote_minor for step in steps] == [0, 101_000_000, 203_000_000, 203_000_000]


def test_a_changed_account_is_told_once_a_command_with_what_it_holds_then() -> None:
    venue = book_of("alice ask 1 @ 101", "alice ask 1 @ 102")
    told = [event for event in events_of(place(venue, "bob buy 3 @ 102")) if isinstance(event, BalanceChanged)]
    assert {(event.user_id, event.asset): (event.available_minor, event.locked_minor) for event in told} == {
        ("alice", "SOL"): (SOL.minor("999998"), 0),
        ("alice", "USDC"): (USDC.minor("1000203"), 0),
        ("bob", "SOL"): (SOL.minor("1000001") + SOL.minor("1"), 0),
        ("bob", "USDC"): (USDC.minor("999695"), USDC.minor("102")),
    }
    assert len(told) == 4


# --- configuration


def test_an_asset_becomes_known_once() -> None:
    venue = venue_of()
    assert events_of(do(venue, AddAsset(SOL))) == []
    assert refusal(do(venue, AddAsset(Asset("SOL", 8)))) == "RULE_FIXED"


def test_the_scale_of_an_open_market_never_changes() -> None:
    assert refusal(do(venue_of(), SetMarket(replace(SOL_USDC, tick=2)))) == "RULE_FIXED"


def test_a_market_needs_assets_that_are_known() -> None:
    assert refusal(do(Venue(), SetMarket(SOL_USDC))) == "UNKNOWN_ASSET"


def test_a_deposit_needs_an_asset_that_is_known() -> None:
    venue = venue_of()
    with pytest.raises(AssertionError):
        venue.apply(Deposit("bob", "DOGE", 1, "much"), venue.sequence + 1, venue.time_ns)


@pytest.mark.parametrize("user_id", ["@fees", "@external"])
def test_nobody_can_take_the_houses_name(user_id: str) -> None:
    venue = venue_of()
    for command in (AddUser(user_id), Deposit(user_id, "USDC", 1, "key")):
        with pytest.raises(AssertionError):
            venue.apply(command, venue.sequence + 1, venue.time_ns)


# --- state


def test_a_restored_venue_goes_on_as_if_nothing_had_happened() -> None:
    for cut in range(len(STORY) + 1):
        venue = two_markets()
        for text in STORY[:cut]:
            place(venue, text)
        again = retold(venue)
        for text in STORY[cut:]:
            assert place(again, text) == place(venue, text)
        assert cancel_all(again, "carol") == cancel_all(venue, "carol")
        assert cancel(again, "bob", "partly") == cancel(venue, "bob", "partly")
        assert again.state() == venue.state()


def test_a_state_is_a_copy() -> None:
    venue = two_markets()
    for text in STORY[:5]:
        place(venue, text)
    state = venue.state()
    remembered = copied(state)
    for text in STORY[5:]:
        place(venue, text)
    cancel_all(venue, "carol")
    assert state == remembered


def test_restoring_from_a_state_leaves_the_state_alone() -> None:
    venue = two_markets()
    for text in STORY[:5]:
        place(venue, text)
    state = venue.state()
    again, third = Venue.restore(state), Venue.restore(state)
    for text in STORY[5:]:
        place(again, text)
    assert third.state() == state


def test_priority_survives_a_restart() -> None:
    venue = book_of("alice ask 2 @ 101", "carol ask 1 @ 101", "maker ask 1 @ 101")
    place(venue, "bob buy 1 @ 101")
    again = retold(venue)
    assert shown(place(again, "bob buy 2 @ 101")) == ["1 @ 101", "1 @ 101"]
    assert shown(again) == ["ask 1 @ 101"]


def test_the_same_commands_make_the_same_venue() -> None:
    def tell() -> tuple[Venue, list[Outcome]]:
        venue = two_markets()
        outcomes = [join(venue, "dave"), *(place(venue, text) for text in STORY)]
        outcomes.append(do(venue, SetMarket(replace(SOL_USDC, status=MarketStatus.HALTED, taker_fee_ppm=10))))
        return venue, [*outcomes, place(venue, "bob buy 1 @ 1"), cancel_all(venue, "carol")]

    one, other = tell(), tell()
    assert one[0].state() == other[0].state()
    assert one[1] == other[1]


def test_a_journal_without_the_refused_makes_the_same_venue() -> None:
    venue = venue_of()
    journal: list[tuple[int, int, Command]] = []
    first = retold(venue)
    for text in ("alice sell 3 @ 101", "dave buy 1 @ 1", "bob buy 1 @ 101 POST", "bob buy 1 @ 101", "bob buy 2 @ 99"):
        order = order_of(venue, text)
        if isinstance(do(venue, order), Applied):
            journal.append((venue.sequence, venue.time_ns, order))
    assert len(journal) == 3
    for sequence, time_ns, command in journal:
        events_of(first.apply(command, sequence, time_ns))
    assert first.state() == venue.state()


def test_what_a_configuration_credits_is_credited_once_for_ever() -> None:
    def carry_out(venue: Venue, command: Command) -> None:
        assert isinstance(venue.apply(command, venue.sequence + 1, 0), Applied)

    venue = Venue(keys_max=1)
    carry_out(venue, AddAsset(USDC))
    seed = Deposit("ann", "USDC", 5, f"{SEED_PREFIX}ann:USDC")
    carry_out(venue, seed)
    for key in ("a", "b", "c"):
        carry_out(venue, Deposit("ann", "USDC", 1, key))
    venue = Venue.restore(venue.state(), keys_max=1)
    assert venue.has_key(seed.key)
    assert not venue.has_key("a")
