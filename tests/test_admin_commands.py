"""Administration is the same by HTTP and by command line: every administrative call has a command, which sends it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from exchange.api.native.calls import CALLS, Call
from exchange.cli import cli
from exchange.failure import Failure

ADMINISTRATIVE = [call for call in CALLS if call.path.startswith("/admin/")]
COMMANDS = {
    "deposit": "deposit ann USDC 5 --key k",
    "account": "balance ann",
    "account_ledger": "ledger ann --asset USDC --last 5",
    "all_withdrawals": "withdrawal list ann",
    "request_withdrawal": "withdrawal request ann USDC 5 --key k",
    "settle_withdrawal": "withdrawal settle k",
    "release_withdrawal": "withdrawal release k",
    "transfer": "transfer ann bob USDC 5 --key k",
    "reset_user": "reset ann --balance USDC=5 --key k",
    "add_asset": "asset add GEM 4",
    "set_market": "market set GEM_USDC --tick-size 1",
    "set_filters": "filters max_open_orders=5",
    "market_status": "market status GEM_USDC halted",
    "fee_tiers": "fees list GEM_USDC",
    "set_fee_tier": "fees set GEM_USDC vip --maker-fee 0 --taker-fee 0",
    "remove_fee_tier": "fees remove GEM_USDC vip",
    "set_user_tier": "fees user ann vip",
    "log_level": "log-level",
    "set_log_level": "log-level debug",
    "create_user": "user create ann --balance USDC=5",
    "users": "user list",
    "disable_user": "user disable ann",
    "enable_user": "user enable ann",
    "create_key": "key create ann --type hmac --permissions read",
    "keys": "key list ann",
    "revoke_key": "key revoke k",
    "audit": "audit --last 5",
}


class Door(BaseHTTPRequestHandler):
    """Notes each request, and refuses it."""

    seen: list[tuple[str, str]]

    def refuse(self) -> None:
        """Whatever it is."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path.partition("?")[0]))
        body = b'{"code":"NOT_FOUND","message":"refused"}'
        self.send_response(404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


for method in ("GET", "POST", "DELETE"):
    setattr(Door, f"do_{method}", Door.refuse)


@pytest.fixture(scope="module")
def door() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Its address, and what it has seen."""
    Door.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", Door.seen
        server.shutdown()
        thread.join()


def test_every_administrative_call_has_a_command() -> None:
    assert [call.operation for call in ADMINISTRATIVE if call.operation not in COMMANDS] == []


@pytest.mark.parametrize("call", ADMINISTRATIVE, ids=lambda call: f"{call.method} {call.path}")
def test_the_command_sends_the_call(door: tuple[str, list[tuple[str, str]]], call: Call) -> None:
    url, seen = door
    seen.clear()
    with pytest.raises(Failure, match="NOT_FOUND: refused"):
        cli.main([*COMMANDS[call.operation].split(), "--url", url], standalone_mode=False)
    assert seen == [(call.method, call.path)]
