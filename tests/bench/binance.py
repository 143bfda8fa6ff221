"""The orders of `flow` in the Binance-compatible dialect, each signed by its user, and the same as native ones."""

import hashlib
import hmac
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import orjson

from tests.bench import flow
from tests.bench.load import Call

WINDOW_MS = 60_000  # they are signed before the clock starts


def native(kind: str, seed: int) -> Iterator[Call]:
    """The requests of a kind as they are."""
    for path, body in flow.requests_of(kind, seed):
        yield Call("POST", path, body.decode())


def signed(kind: str, seed: int) -> Iterator[Call]:
    """The orders of a kind in the other dialect."""
    for _, body in flow.requests_of(kind, seed):
        order = orjson.loads(body)
        user_id = order["user_id"]
        terms = {
            "symbol": order["market"].replace("_", ""),
            "side": order["side"].upper(),
            "type": "LIMIT",
            "timeInForce": order["time_in_force"].upper(),
            "quantity": order["quantity"],
            "price": order["price"],
            "recvWindow": WINDOW_MS,
            "timestamp": int(time.time() * 1000),
        }
        query = urlencode(terms)
        signature = hmac.new(f"{user_id}-secret".encode(), query.encode(), hashlib.sha256).hexdigest()
        headers = {"X-MBX-APIKEY": f"{user_id}-key"}
        yield Call("POST", f"/api/v3/order?{query}&signature={signature}", "", headers)
