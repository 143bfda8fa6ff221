"""A user's own keys: listed and revoked by the user, and by nobody else."""

from tests.whole.signed import Caller, Keyring, buy, socket


def ids(page: dict[str, list[dict[str, str]]]) -> set[str]:
    return {key["api_key"] for key in page["keys"]}


async def two(ring: Keyring) -> tuple[str, Caller, str]:
    """A user, a client of theirs, and the id of another key of theirs."""
    user_id = await ring.user()
    caller, other = await ring.key(user_id), await ring.key(user_id, "read", label="phone")
    assert other.key is not None
    return user_id, caller, other.key.api_key


async def test_a_user_sees_their_own_keys_only(ring: Keyring, ann: Caller) -> None:
    user_id, caller, other = await two(ring)
    assert caller.key is not None
    page = await caller.ok("GET", "/keys")
    assert ids(page) == {caller.key.api_key, other}
    assert {key["user_id"] for key in page["keys"]} == {user_id}
    assert {key["label"] for key in page["keys"]} == {None, "phone"}
    assert ids(await caller.ok("GET", "/keys", limit=1)).isdisjoint(ids(await ann.ok("GET", "/keys")))


async def test_the_list_has_pages(ring: Keyring) -> None:
    _, caller, _ = await two(ring)
    first = await caller.ok("GET", "/keys", limit=1)
    second = await caller.ok("GET", "/keys", limit=1, after=first["next"])
    assert len(ids(first) | ids(second)) == 2
    assert second["next"] is None


async def test_a_user_revokes_a_key_and_it_is_in_the_audit(ring: Keyring) -> None:
    user_id, caller, other = await two(ring)
    assert (await caller.ok("DELETE", "/keys", {"api_key": other}))["api_key"] == other
    assert await caller.code("DELETE", "/keys", {"api_key": other}) == "UNKNOWN_KEY"
    assert other not in ids(await caller.ok("GET", "/keys"))
    (action, *_) = (await ring.root.ok("GET", "/admin/audit", limit=1))["actions"]
    assert (action["actor"], action["action"], action["user_id"]) == (user_id, "revoke_key", user_id)


async def test_a_user_revokes_the_key_that_signs_and_its_sockets_end(ring: Keyring) -> None:
    _, caller, _ = await two(ring)
    assert caller.key is not None
    async with socket(ring, caller) as talk:
        await caller.ok("DELETE", "/keys", api_key=caller.key.api_key)
        message = await talk.connection.receive(timeout=60)
        assert message.data == 1008
    assert await caller.code("POST", "/order", buy()) == "UNAUTHENTICATED"


async def test_a_key_of_somebody_else_is_not_there(ring: Keyring, ann: Caller) -> None:
    _, caller, other = await two(ring)
    assert await ann.code("DELETE", "/keys", {"api_key": other}) == "UNKNOWN_KEY"
    assert other in ids(await caller.ok("GET", "/keys"))


async def test_a_key_that_may_only_read_revokes_none(ring: Keyring) -> None:
    user_id, caller, other = await two(ring)
    reader = await ring.key(user_id, "read")
    assert await reader.code("DELETE", "/keys", {"api_key": other}) == "FORBIDDEN"
    assert other in ids(await caller.ok("GET", "/keys"))
