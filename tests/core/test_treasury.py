"""Money that an administrator moves: withdrawals in two steps, transfers and resets, each under a key."""

import pytest

from exchange.core import treasury
from exchange.core.administration import Administered, Origin
from exchange.core.commands import AddAsset, Deposit
from exchange.core.events import BalanceChanged, OrderUpdated
from exchange.core.instrument import AMOUNT_MAX, Asset
from exchange.core.ledger import EXTERNAL, FEES
from exchange.core.money import (
    EndWithdrawal,
    RequestWithdrawal,
    ResetUser,
    TransferFunds,
    TransferKind,
    Transferred,
)
from exchange.core.outcome import Outcome
from exchange.core.venue import Venue
from exchange.runtime import compiled
from tests.core.stories import (
    SOL,
    USDC,
    balance,
    book_of,
    cancel,
    do,
    events_of,
    place,
    placed,
    refusal,
    retold,
    same_order,
    shown,
    two_markets,
    venue_of,
)
from tests.core.test_market_rules import REBATE

ROOT = Origin("root", "10.0.0.7")


def withdraw(venue: Venue, amount: str, key: str = "key", user: str = "bob") -> Outcome:
    return do(venue, RequestWithdrawal(user, "USDC", USDC.minor(amount), key, ROOT))


def end(venue: Venue, *, settles: bool, key: str = "key") -> Outcome:
    return do(venue, EndWithdrawal(key, settles, ROOT))


def give(venue: Venue, amount: str, gives: str = "bob", gets: str = "carol", key: str = "key") -> Outcome:
    return do(venue, TransferFunds(gives, gets, "USDC", USDC.minor(amount), key, ROOT))


def reset(venue: Venue, key: str = "key", user: str = "bob", **balances: str) -> Outcome:
    amounts = tuple((asset, venue.assets[asset].minor(text)) for asset, text in sorted(balances.items()))
    return do(venue, ResetUser(user, amounts, key, ROOT))


# --- withdrawals


def test_what_is_to_be_withdrawn_is_locked_and_buys_nothing() -> None:
    venue = venue_of()
    withdraw(venue, "999999")
    assert balance(venue, "bob USDC") == "1 + 999999 locked"
    assert refusal(place(venue, "bob buy 1 @ 2")) == "INSUFFICIENT_BALANCE"
    assert balance(retold(venue), "bob USDC") == "1 + 999999 locked"


def test_settled_it_leaves_the_exchange_and_released_it_stays() -> None:
    venue = venue_of()
    supply = venue.ledger.supply_minor("USDC")
    withdraw(venue, "400", "one")
    withdraw(venue, "100", "two")
    [moved] = [event for event in events_of(end(venue, settles=True, key="one")) if isinstance(event, Transferred)]
    assert (moved.kind, moved.from_user_id, moved.to_user_id) == (TransferKind.WITHDRAWAL, "bob", EXTERNAL)
    assert not [event for event in events_of(end(venue, settles=False, key="two")) if isinstance(event, Transferred)]
    assert balance(venue, "bob USDC") == "999600"
    assert supply - venue.ledger.supply_minor("USDC") == USDC.minor("400")


def test_a_withdrawal_ends_once() -> None:
    venue = venue_of()
    withdraw(venue, "400")
    end(venue, settles=True)
    assert end(venue, settles=True) is None
    assert refusal(end(venue, settles=False)) == "WITHDRAWAL_ENDED"
    assert refusal(end(retold(venue), settles=False)) == "WITHDRAWAL_ENDED"
    assert refusal(end(venue, settles=False, key="other")) == "UNKNOWN_WITHDRAWAL"


def test_a_pending_withdrawal_is_remembered_however_much_comes_after_it() -> None:
    venue = venue_of(venue=Venue(keys_max=2))
    withdraw(venue, "400")
    for number in range(5):
        give(venue, "1", key=f"later {number}")
    venue = Venue.restore(retold(venue).state(), keys_max=2)
    assert same_order(withdraw(venue, "400")) is None
    assert refusal(withdraw(venue, "401")) == "KEY_CONFLICT"
    end(venue, settles=True)
    assert refusal(end(venue, settles=True)) == "UNKNOWN_WITHDRAWAL"
    withdraw(venue, "7")
    assert balance(venue, "bob USDC") == "999588 + 7 locked"


@pytest.mark.skipif(compiled.in_use(), reason="no other bound can be put into what is compiled")
def test_as_many_may_be_pending_as_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(treasury, "PENDING_MAX", 2)
    venue = venue_of()
    withdraw(venue, "1", "one")
    withdraw(venue, "1", "two")
    assert refusal(withdraw(venue, "1", "three")) == "TOO_MANY_WITHDRAWALS"
    end(venue, settles=False, key="one")
    assert events_of(withdraw(venue, "1", "three"))


def test_orders_and_withdrawals_lock_side_by_side() -> None:
    venue = book_of("bob bid 1 @ 100")
    withdraw(venue, "50")
    assert balance(venue, "bob USDC") == "999850 + 150 locked"
    cancel(venue, "bob", 1)
    assert balance(venue, "bob USDC") == "999950 + 50 locked"


# --- transfers and fees


def test_a_transfer_moves_once_a_key() -> None:
    venue = venue_of()
    give(venue, "10")
    assert same_order(give(venue, "10")) is None
    assert refusal(give(venue, "11")) == "KEY_CONFLICT"
    assert refusal(give(venue, "10", gets="alice")) == "KEY_CONFLICT"
    assert refusal(do(venue, Deposit("bob", "USDC", 10, "key"))) == "KEY_CONFLICT"
    assert (balance(venue, "bob USDC"), balance(venue, "carol USDC")) == ("999990", "1000010")


@pytest.mark.parametrize(
    ("gives", "gets", "amount", "reason"),
    [
        ("nobody", "carol", "1", "UNKNOWN_USER"),
        ("bob", "nobody", "1", "UNKNOWN_USER"),
        (EXTERNAL, "carol", "1", "UNKNOWN_USER"),
        ("bob", FEES, "1", "UNKNOWN_USER"),
        ("bob", "bob", "1", "OUT_OF_RANGE"),
        ("bob", "carol", "0", "OUT_OF_RANGE"),
        ("bob", "carol", "1000001", "INSUFFICIENT_BALANCE"),
        (FEES, "carol", "0.000001", "INSUFFICIENT_BALANCE"),
    ],
)
def test_what_cannot_move_stays(gives: str, gets: str, amount: str, reason: str) -> None:
    venue = venue_of()
    assert refusal(give(venue, amount, gives, gets)) == reason


def test_fees_are_paid_out_and_rebates_still_find_theirs() -> None:
    venue = book_of("alice ask 10 @ 100", rules=REBATE)
    place(venue, "bob buy 1 @ 100")
    paid = venue.ledger.account(FEES, "USDC").available
    assert paid > 0
    do(venue, TransferFunds(FEES, "carol", "USDC", paid, "all of it", ROOT))
    place(venue, "bob buy 1 @ 100")
    assert venue.ledger.account(FEES, "USDC").available == paid


# --- resets


def test_a_reset_cancels_in_all_markets_and_leaves_nothing_but_the_balances() -> None:
    venue = two_markets()
    for text in ("bob buy 1 @ 100", "bob sell 2 @ 200 on SOL_EUR", "carol buy 1 @ 99"):
        placed(venue, text)
    told = events_of(reset(venue, USDC="5"))
    assert shown(venue) == ["bid 1 @ 99"]
    assert {asset: balance(venue, f"bob {asset}") for asset in ("USDC", "SOL", "EUR")} == {
        "USDC": "5",
        "SOL": "0",
        "EUR": "0",
    }
    canceled = [event for event in told if isinstance(event, OrderUpdated)]
    assert [event.expire_reason for event in canceled] == [canceled[0].expire_reason] * 2
    accounts = [(event.user_id, event.asset) for event in told if isinstance(event, BalanceChanged)]
    assert len(accounts) == len(set(accounts)), "each account is told once"
    [audited] = [event for event in told if isinstance(event, Administered)]
    assert (audited.action, audited.user_id, audited.detail) == ("reset", "bob", "key 5000000 minor units of USDC")


def test_a_reset_happens_once_a_key() -> None:
    venue = venue_of()
    reset(venue, USDC="5")
    placed(venue, "bob buy 1 @ 1")
    assert same_order(reset(venue, USDC="5")) is None
    assert refusal(reset(venue, USDC="6")) == "KEY_CONFLICT"
    assert refusal(reset(retold(venue), USDC="6")) == "KEY_CONFLICT"
    assert balance(venue, "bob USDC") == "4 + 1 locked"


def test_a_reset_to_what_is_there_moves_nothing_and_is_remembered() -> None:
    venue = venue_of()
    told = events_of(reset(venue, USDC="1000000", SOL="1000000"))
    assert not [event for event in told if isinstance(event, Transferred | BalanceChanged)]
    assert same_order(reset(venue, USDC="1000000", SOL="1000000")) is None


def test_a_reset_leaves_a_pending_withdrawal_alone() -> None:
    venue = venue_of()
    withdraw(venue, "400", "first")
    reset(venue, USDC="5")
    assert balance(venue, "bob USDC") == "5 + 400 locked"
    end(venue, settles=False, key="first")
    assert balance(venue, "bob USDC") == "405"


def test_a_reset_keeps_all_of_an_asset_in_range() -> None:
    venue = Venue()
    do(venue, AddAsset(Asset("X", 0)))
    for user in ("bob", "carol"):
        do(venue, Deposit(user, "X", 10, user))
    most = AMOUNT_MAX - 1 - 10
    assert refusal(do(venue, ResetUser("bob", (("X", most + 1),), "key", ROOT))) == "OUT_OF_RANGE"
    assert events_of(do(venue, ResetUser("bob", (("X", most),), "key", ROOT)))
    assert refusal(do(venue, ResetUser("nobody", (), "other", ROOT))) == "UNKNOWN_USER"


def test_money_of_an_ended_order_is_reset_as_well() -> None:
    """A maker's locked amount is available only after the cancel, in the same command."""
    venue = book_of("bob ask 3 @ 100")
    reset(venue, SOL="1")
    assert balance(venue, "bob SOL") == SOL.text(SOL.minor("1"))
    assert retold(venue).treasury.withdrawals() == []
