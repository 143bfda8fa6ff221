"""The administrator of a run: funds guests, then resets them, disables them or revokes their keys; lists markets and
changes their rules; and prunes the journal. Each step is sent until it is answered, whatever breaks meanwhile.

Guests do not trade. So what an answer has promised about them can be compared with what is there at the end.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from exchange.client import ApiError, Client, Unreachable
from exchange.torture.record import End, Guest, GuestRow, History, Listed

STEP_S = 0.4
PRUNES_EVERY = 12  # steps
LISTS_EVERY = 7
FAUCET = "25"
FIRST_WAIT_S, LONGEST_WAIT_S = 0.02, 0.25
PUBLIC_KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="  # of RFC 8032, 7.1, test 1
PASSING = ("OVERLOADED", "RATE_LIMITED", "MARKET_NOT_TRADING")
DOES = ("reset", "disable", "revoke", "faucet")
# Waits for a price that never comes, with 1 USDC locked.
ORDER: dict[str, Any] = {
    "market": "SOL_USDC",
    "side": "buy",
    "order_type": "stop_loss_limit",
    "stop_price": "1000000",
    "price": "1",
    "quantity": "1",
}

Reply = TypeVar("Reply")


class Pruning(Protocol):
    """What can drop old partitions of the journal beside the exchange."""

    async def prune(self, killed_after_s: float | None) -> End:
        """Run the command, or kill it after so long; how it ended."""


class Administrator:
    """Carries out step after step."""

    def __init__(self, house: Client, history: History, pruning: Pruning, stopping: asyncio.Event) -> None:
        self._house = house
        self._history = history
        self._pruning = pruning
        self._stopping = stopping

    async def work(self) -> None:
        """Until told to stop; the step that is under way is finished."""
        step = 0
        while not self._stopping.is_set():
            chance = random.Random(f"administrator/{self._history.seed}/{step}")
            await self._guest(f"guest-{step}", chance)
            if step % LISTS_EVERY == 0:
                await self._list(step // LISTS_EVERY, chance)
            if step % PRUNES_EVERY == PRUNES_EVERY - 1:
                killed_after_s = chance.uniform(0.2, 2.0) if chance.random() < 0.4 else None
                self._history.prunes.append(await self._pruning.prune(killed_after_s))
            await asyncio.sleep(STEP_S)
            step += 1

    async def _guest(self, name: str, chance: random.Random) -> None:
        house, guest = self._house, Guest(name, chance.choice(DOES), str(chance.randint(1, 50)))
        self._history.guests.append(guest)
        order = {**ORDER, "client_order_id": f"{name}.waits"}
        await self._answered(guest, lambda: house.deposit("USDC", "100", f"{name}.in", name))
        await self._answered(guest, lambda: house.place(order, name, 0))
        match guest.does:
            case "reset":
                await self._answered(guest, lambda: house.reset({"USDC": guest.amount}, f"{name}.reset", name))
            case "disable":
                await self._answered(guest, lambda: house.call("POST", "/admin/users/disable", body={"user_id": name}))
                if not guest.stays_disabled:
                    enable = "/admin/users/enable"
                    await self._answered(guest, lambda: house.call("POST", enable, body={"user_id": name}))
            case "faucet":
                guest.credits = await self._credited(guest)
            case "revoke":
                await self._revoke(guest)
        guest.settled = True

    async def _credited(self, guest: Guest) -> int:
        """How often the faucet has credited the guest, at most: each attempt without an answer may have."""
        attempts = guest.attempts
        await self._answered(guest, lambda: self._house.faucet("USDC", guest.user_id))
        return guest.attempts - attempts

    async def _revoke(self, guest: Guest) -> None:
        """Make a key, as often as it takes until one is answered, and revoke all of the guest."""
        name, house = guest.user_id, self._house
        wanted = {"user_id": name, "type": "ed25519", "public_key": PUBLIC_KEY, "permissions": ["read"]}
        await self._answered(guest, lambda: house.call("POST", "/admin/keys", body=wanted))
        for api_key in await self._answered(guest, lambda: keys_of(house, name)):
            await self._answered(
                guest,
                lambda key=api_key: house.call("DELETE", "/admin/keys", body={"api_key": key}),  # type: ignore[misc]
                done="UNKNOWN_KEY",
            )

    async def _list(self, number: int, chance: random.Random) -> None:
        """Add an asset and a market, and change what it costs to trade there."""
        asset, fees = f"ITEM{number}", [f"0.00{chance.randint(1, 9)}" for _ in range(2)]
        listed = Listed(f"{asset}_USDC", fees[-1])
        self._history.listed.append(listed)
        rules = {"base": asset, "quote": "USDC", "tick_size": "0.01", "lot_size": "1"}
        await self._answered(listed, lambda: self._house.add_asset(asset, 2))
        for fee in fees:
            await self._answered(
                listed,
                lambda fee=fee: self._house.set_market(listed.market, {**rules, "taker_fee": fee}),  # type: ignore[misc]
            )
        listed.settled = True

    async def _answered(
        self, what: Guest | Listed, send: Callable[[], Awaitable[Reply]], *, done: str | None = None
    ) -> Any:
        """Send it until it is answered. A refusal is recorded and ends the attempts, unless it is about load or about
        a market that a trader has closed for a while; or it says that an attempt without an answer has `done` it."""
        wait_s, lost = FIRST_WAIT_S, False
        while True:
            what.attempts += 1
            try:
                return await send()
            except Unreachable:
                lost = True
            except ApiError as error:
                lost = lost or error.unsettled
                if not (error.unsettled or error.code in PASSING):
                    if not (lost and error.code == done):
                        what.codes.append(error.code)
                    return []
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)


async def keys_of(house: Client, user_id: str) -> list[str]:
    """The ids of the keys of a user that are not revoked."""
    page = await house.call("GET", f"/admin/keys?user_id={quote(user_id)}&limit=1000")
    return [key["api_key"] for key in page["keys"] if key.get("revoked_at") is None]


async def read_guests(house: Client, reader: Client, guests: list[Guest]) -> dict[str, GuestRow]:
    """What is there of each guest. Who is disabled is enabled for it, after that was seen; `reader` makes new keys."""
    disabled = await _disabled(house)
    found: dict[str, GuestRow] = {}
    for guest in guests:
        name = guest.user_id
        page = await house.call("GET", "/admin/balance", query={"user_id": name})
        usdc = next(row for row in page["balances"] if row["asset"] == "USDC")
        keys = await keys_of(house, name) if guest.does == "revoke" else []
        if name in disabled:
            await house.call("POST", "/admin/users/enable", body={"user_id": name})
        orders, _ = await reader.order_history(user_id=name)
        statuses = [order["status"] for order in orders]
        found[name] = GuestRow(usdc["available"], usdc["locked"], statuses, keys, name in disabled)
    return found


async def _disabled(house: Client) -> set[str]:
    found: set[str] = set()
    after: str | None = None
    while True:
        page = await house.call("GET", "/admin/users", query={"limit": 1000, "after": after})
        found |= {user["user_id"] for user in page["users"] if user["status"] == "disabled"}
        after = page.get("next")
        if after is None:
            return found
