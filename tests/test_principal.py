"""Who may do what: the principal of a request, in dev mode and as keys will make one."""

import pytest

from exchange.api.http.request import Request
from exchange.core.ledger import HOUSE, Ledger
from exchange.service.codes import Code, Refused
from exchange.service.principal import (
    CLIENT,
    DevAuthenticator,
    Permission,
    Principal,
    is_local,
    user_for,
)


class Known:
    """Two users."""

    def has_user(self, user_id: str) -> bool:
        """Whether it is one of them."""
        return self.known(user_id) is not None

    def known(self, user_id: str) -> str | None:
        """The name, if it is one of them."""
        return user_id if user_id in ("ann", "bob") else None


def request(address: str | None = "127.0.0.1", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", b"/order", "/order", "", named, b"", b"", address, "id-1")


def code_of_user(principal: Principal, named: str | None, needed: Permission = Permission.TRADE) -> Code | str:
    try:
        return user_for(principal, named, Known(), needed)
    except Refused as refused:
        return refused.code


@pytest.mark.parametrize(
    ("header", "named", "expected"),
    [
        (None, "ann", "ann"),
        ("ann", None, "ann"),
        ("ann", "bob", "bob"),
        (None, None, Code.UNAUTHENTICATED),
        ("eve", None, Code.UNKNOWN_USER),
        ("ann", "eve", Code.UNKNOWN_USER),
    ],
)
def test_dev_mode_believes_whom_a_request_names(header: str | None, named: str | None, expected: str) -> None:
    asked = request() if header is None else request(x_user_id=header)
    principal = DevAuthenticator().authenticate(asked, Permission.TRADE)
    assert code_of_user(principal, named) == expected


@pytest.mark.parametrize(
    ("named", "needed", "expected"),
    [
        (None, Permission.TRADE, "ann"),
        ("ann", Permission.READ, "ann"),
        ("bob", Permission.READ, Code.FORBIDDEN),
        (None, Permission.ADMIN, Code.FORBIDDEN),
    ],
)
def test_a_principal_of_one_user_acts_for_nobody_else(named: str | None, needed: Permission, expected: str) -> None:
    assert code_of_user(Principal("ann", CLIENT, "10.0.0.1"), named, needed) == expected


def test_a_named_user_is_the_object_that_the_ledger_has() -> None:
    ledger = Ledger()
    ledger.add_user("ann")
    named = "".join(("a", "nn"))
    known = user_for(Principal(None, CLIENT, None, any_user=True), named, ledger, Permission.TRADE)
    assert known == named
    assert known is ledger.user("ann").user_id


@pytest.mark.parametrize("name", HOUSE)
def test_the_accounts_of_the_house_are_no_users(name: str) -> None:
    principal = Principal(None, CLIENT, None, any_user=True)
    with pytest.raises(Refused) as refused:
        user_for(principal, name, Ledger(), Permission.TRADE)
    assert refused.value.code is Code.UNKNOWN_USER


def test_a_principal_that_may_only_read_does_not_trade() -> None:
    reader = Principal("ann", frozenset({Permission.READ}), None)
    assert code_of_user(reader, None, Permission.READ) == "ann"
    assert code_of_user(reader, None, Permission.TRADE) is Code.FORBIDDEN


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_an_administrator_in_dev_mode(address: str) -> None:
    principal = DevAuthenticator().authenticate(request(address), Permission.ADMIN)
    assert Permission.ADMIN in principal.permissions


@pytest.mark.parametrize("address", [None, "", "10.0.0.1", "::2", "1270.0.0.1", "127.evil", "::ffff:10.0.0.1"])
def test_another_machine_is_none(address: str | None) -> None:
    with pytest.raises(Refused):
        DevAuthenticator().authenticate(request(address), Permission.ADMIN)


@pytest.mark.parametrize(
    "header", ["forwarded", "Forwarded", "x-forwarded-for", "X-Forwarded-Proto", "X-FORWARDED-X", "Via", "X-Real-IP"]
)
def test_what_a_proxy_forwards_is_not_from_this_machine(header: str) -> None:
    assert is_local(request("127.0.0.1", accept="*/*"))
    assert not is_local(request("127.0.0.1", **{header: ""}))


def test_a_dialect_says_where_it_names_the_user() -> None:
    authenticator = DevAuthenticator(lambda view: view.headers.get("x-mbx-apikey"))
    principal = authenticator.authenticate(request(x_mbx_apikey="ann", x_user_id="bob"), Permission.READ)
    assert code_of_user(principal, None) == "ann"
