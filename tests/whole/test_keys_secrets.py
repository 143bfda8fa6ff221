"""No secret leaves: looks at everything that the tests of keys before it have left."""

import json

import aiohttp

from exchange.postgres.embedded import attached
from tests.whole.databases import everything
from tests.whole.signed import Caller, Keyring


async def test_no_secret_or_signature_is_in_a_log_a_reply_or_a_table(ring: Keyring, ann: Caller) -> None:
    await ann.ok("GET", "/balance")
    async with aiohttp.ClientSession() as session, session.get(f"{ann.url}/metrics") as reply:
        metrics = await reply.text()
    async with attached(ring.exchange.data_dir) as dsn:
        tables = json.dumps(await everything(dsn))
    places = {"log": ring.exchange.said(), "replies": "".join(ring.heard), "tables": tables, "metrics": metrics}
    signatures = [signature for caller in ring.callers for signature in caller.signatures]
    master_key = (ring.exchange.data_dir / "master.key").read_text().strip()
    assert len(ring.secrets) > 1
    assert signatures
    for name, text in places.items():
        for wanted in (*ring.secrets, *signatures, master_key):
            assert wanted not in text, f"a secret is in the {name}"
    assert "Traceback" not in places["log"]
    assert '"level": "error"' not in places["log"]
