"""What a signature costs: signed orders of mode `keys`, beside the same orders unsigned in dev mode, 64 connections.

- *signed-hmac*: keys of type `hmac`.
- *signed-ed25519*: keys of type `ed25519`.

Each needs two exchanges of its own. The orders are signed before the clock starts.
"""

from contextlib import AsyncExitStack
from functools import partial

from tests.bench import signed
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Row
from tests.bench.pairs import Pairs

GOALS = {"hmac": 0.85, "ed25519": 0.7}


async def measure(key_type: str, bench: Bench) -> list[Row]:
    """Orders that are signed with keys of that type, and unsigned ones, on two exchanges in turn."""
    pairs = Pairs(f"signed-{key_type}", "unsigned", GOALS[key_type])
    async with AsyncExitStack() as stack:
        ours, sign = await signed.start(stack, bench, key_type)
        plain, _ = await signed.start(stack, bench, None)
        for number in range(1, bench.pace.rounds + 1):
            bench.next_round(pairs.name, number)
            orders = [signed.calls("orders", bench.seed, how) for how in (sign, signed.unsigned)]
            await pairs.add(ours, orders[0], plain, orders[1])
    return pairs.rows()


FIGURES = [Figure(f"signed-{key_type}", partial(measure, key_type), serves=False) for key_type in GOALS]
