"""What the users of a replay need so that no order of the recording is refused for lack of it."""

import hashlib

from exchange.client import Client, Market
from exchange.replay.recording import Recording
from exchange.replay.users import Owners
from exchange.replay.wire import Units, plain


async def fund(
    client: Client, rules: Market, recording: Recording, owners: Owners, units: Units, run: str | None = None
) -> None:
    """Give each user what it can need at most. The key makes a second deposit for the same `run` no deposit."""
    for user_id, of_quote, count in owners.needs(recording.commands):
        asset = rules["quote"] if of_quote else rules["base"]
        amount = plain(units.notionals(count) if of_quote else units.quantities(count))
        purpose = "/".join((recording.digest, rules["market"], user_id, asset, amount, *([run] if run else ())))
        key = f"r-{hashlib.sha256(purpose.encode()).hexdigest()[:32]}"
        await client.deposit(asset, amount, key, user_id)
