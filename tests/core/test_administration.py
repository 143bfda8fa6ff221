"""Users with a status and API keys, as commands of the venue."""

from dataclasses import replace

from exchange.core import administration
from exchange.core.administration import (
    Administered,
    ApiKey,
    CreateKey,
    CreateUser,
    KeyType,
    Origin,
    RevokeKey,
    SetUserStatus,
)
from exchange.core.commands import Deposit
from exchange.core.events import BalanceChanged, OrderStatus, OrderUpdated
from exchange.core.instrument import AMOUNT_MAX
from exchange.core.outcome import Outcome
from exchange.core.venue import Venue
from tests.core.stories import (
    balance,
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

ROOT = Origin("root", "10.0.0.7")
KEY = ApiKey("key-1", "bob", KeyType.HMAC, "c2VhbGVk", ("read", "trade"), "bot", ("10.0.0.0/8",), None, 5)


def disable(venue: Venue, user_id: str) -> Outcome:
    return do(venue, SetUserStatus(user_id, True, ROOT))


def test_a_disabled_user_places_nothing_until_they_are_enabled() -> None:
    venue = venue_of()
    disable(venue, "bob")
    assert refusal(place(venue, "bob buy 1 @ 100")) == "USER_DISABLED"
    assert refusal(place(retold(venue), "bob buy 1 @ 100")) == "USER_DISABLED"
    do(venue, SetUserStatus("bob", False, ROOT))
    assert placed(venue, "bob buy 1 @ 100")


def test_a_retry_of_a_disabled_user_still_finds_its_order() -> None:
    venue = venue_of()
    order_id = placed(venue, "bob buy 1 @ 100 as mine")
    disable(venue, "bob")
    assert same_order(place(venue, "bob buy 1 @ 100 as mine")) == order_id


def test_disabling_cancels_the_users_orders_in_all_markets_and_nobody_elses() -> None:
    venue = two_markets()
    placed(venue, "bob buy 1 @ 100")
    placed(venue, "bob buy 2 @ 99 on SOL_EUR")
    placed(venue, "bob sell 1 @ 120 on SOL_EUR")
    placed(venue, "bob sell 2 @ 120")
    placed(venue, "carol buy 1 @ 98")
    events = events_of(disable(venue, "bob"))
    venue.check()
    orders = [event for event in events if isinstance(event, OrderUpdated)]
    assert events[: len(orders)] == orders, "orders come first"
    assert {(order.status, order.terms.user_id) for order in orders} == {(OrderStatus.CANCELED, "bob")}
    assert {str(order.expire_reason and order.expire_reason.name) for order in orders} == {"USER_DISABLED"}
    assert len(orders) == 4
    assert shown(venue) == ["bid 1 @ 98"]
    assert shown(venue, "SOL_EUR") == []
    told = [(event.user_id, event.asset) for event in events if isinstance(event, BalanceChanged)]
    assert len(set(told)) == len(told) == 3, "each account is told once"
    for event in events:
        if isinstance(event, BalanceChanged):
            assert event.locked_minor == 0
            assert event.orders_sequence == 8
    assert "locked" not in balance(venue, "bob SOL")
    retold(venue)


def test_what_is_so_already_changes_nothing() -> None:
    venue = venue_of()
    disable(venue, "bob")
    sequence = venue.sequence
    assert disable(venue, "bob") is None
    assert do(venue, SetUserStatus("carol", False, ROOT)) is None
    assert do(venue, CreateUser("carol", ROOT)) is None
    assert venue.sequence == sequence


def test_a_new_user_has_every_balance_or_is_not_there() -> None:
    venue = venue_of()
    too_much = AMOUNT_MAX - venue.ledger.supply_minor("USDC")
    for wrong in (too_much, 0):
        refused = do(venue, CreateUser("dora", ROOT, (("SOL", 7), ("USDC", wrong))))
        assert refusal(refused) == "OUT_OF_RANGE"
        assert not venue.ledger.has_user("dora")
    created = events_of(do(venue, CreateUser("dora", ROOT, (("SOL", 7), ("USDC", too_much - 1)))))
    assert [event for event in created if _is_audited(event)] == [
        Administered("create_user", "dora", f"7 minor units of SOL {too_much - 1} minor units of USDC", ROOT)
    ]
    assert venue.ledger.account("dora", "SOL").available == 7
    retold(venue)


def test_a_balance_of_a_new_user_is_credited_once_and_never_another() -> None:
    venue = venue_of()
    do(venue, CreateUser("dora", ROOT, (("SOL", 7),)))
    assert do(venue, CreateUser("dora", ROOT, (("SOL", 7),))) is None
    assert refusal(do(venue, CreateUser("dora", ROOT, (("SOL", 8), ("USDC", 5))))) == "KEY_CONFLICT"
    assert refusal(do(venue, CreateUser("dora", ROOT, (("SOL", 7), ("USDC", 0))))) == "OUT_OF_RANGE"
    do(venue, CreateUser("dora", ROOT, (("SOL", 7), ("USDC", 5))))
    do(retold(venue), CreateUser("dora", ROOT, (("SOL", 7), ("USDC", 5))))
    assert [venue.ledger.account("dora", asset).available for asset in ("SOL", "USDC")] == [7, 5]


def test_what_is_not_there_is_refused() -> None:
    venue = venue_of()
    assert refusal(disable(venue, "nobody")) == "UNKNOWN_USER"
    assert refusal(do(venue, CreateKey(replace(KEY, user_id="nobody"), ROOT))) == "UNKNOWN_USER"
    assert refusal(do(venue, RevokeKey("key-1", ROOT))) == "UNKNOWN_KEY"


def test_a_key_is_there_until_it_is_revoked() -> None:
    venue = venue_of()
    do(venue, CreateKey(KEY, ROOT))
    assert retold(venue).keys.find("key-1") == KEY
    assert refusal(do(venue, CreateKey(KEY, ROOT))) == "KEY_CONFLICT"
    do(venue, RevokeKey("key-1", ROOT))
    assert venue.keys.find("key-1") is None
    assert refusal(do(venue, RevokeKey("key-1", ROOT))) == "UNKNOWN_KEY"


def test_a_user_has_so_many_keys_and_no_more() -> None:
    venue = venue_of()
    for number in range(administration.KEYS_OF_USER_MAX):
        do(venue, CreateKey(replace(KEY, api_key=f"key-{number}"), ROOT))
    assert refusal(do(venue, CreateKey(replace(KEY, api_key="one-more"), ROOT))) == "TOO_MANY_KEYS"
    do(venue, CreateKey(replace(KEY, api_key="one-more", user_id="carol"), ROOT))
    do(venue, RevokeKey("key-7", ROOT))
    do(retold(venue), CreateKey(replace(KEY, api_key="another"), ROOT))


def test_the_audit_has_who_did_what_from_where_and_no_secret() -> None:
    venue = venue_of()
    commands = (
        CreateUser("dora", ROOT),
        CreateKey(KEY, ROOT),
        RevokeKey("key-1", ROOT),
        SetUserStatus("bob", True, ROOT),
        SetUserStatus("bob", False, ROOT),
        Deposit("bob", "USDC", 7, "a-key", ROOT),
    )
    audited = [event for command in commands for event in events_of(do(venue, command)) if _is_audited(event)]
    assert audited == [
        Administered("create_user", "dora", None, ROOT),
        Administered("create_key", "bob", "key-1 hmac read trade", ROOT),
        Administered("revoke_key", "bob", "key-1", ROOT),
        Administered("disable_user", "bob", None, ROOT),
        Administered("enable_user", "bob", None, ROOT),
        Administered("deposit", "bob", "7 minor units of USDC", ROOT),
    ]
    assert KEY.material not in repr(commands)


def test_a_cancel_of_a_disabled_user_finds_no_order() -> None:
    venue = venue_of()
    order_id = placed(venue, "bob buy 1 @ 100")
    disable(venue, "bob")
    assert refusal(cancel(venue, "bob", order_id)) == "UNKNOWN_ORDER"


def _is_audited(event: object) -> bool:
    return isinstance(event, Administered)
