"""Judges what an administrator did: guests, listed markets and the pruning of the journal."""

from collections.abc import Iterator

from exchange.torture.administrator import FAUCET
from exchange.torture.findings import Finding, doubled, lost, wrong
from exchange.torture.money import number
from exchange.torture.record import Guest, GuestRow, History

FUNDED, LOCKED = 100, 1  # of each guest, and of that what the order locks that waits


def check(history: History) -> list[Finding]:
    """All findings."""
    return [*_guests(history), *_listed(history), *_prunes(history)]


def _guests(history: History) -> Iterator[Finding]:
    for guest in history.guests:
        if guest.codes:
            yield wrong(f"{guest.user_id} ({guest.does}) was refused with {guest.codes}")
        elif not guest.settled:
            yield wrong(f"{guest.user_id} ({guest.does}) was never answered")
        elif guest.user_id not in history.final.guests:
            yield lost(f"{guest.user_id} is not there")
        else:
            yield from _guest(guest, history.final.guests[guest.user_id])


def _guest(guest: Guest, found: GuestRow) -> Iterator[Finding]:
    what = f"{guest.user_id} ({guest.does})"
    ends = guest.does in ("reset", "disable")
    wanted = ["canceled"] if ends else ["pending"]
    if found.statuses != wanted:
        verdict = doubled if len(found.statuses) > 1 else wrong if found.statuses else lost
        yield verdict(f"{what} has orders that are {found.statuses}, and not {wanted}")
    locked = 0 if ends else LOCKED
    if number(found.locked) != locked:
        yield wrong(f"{what} has {found.locked} USDC locked, and not {locked}")
    possible = {number(guest.amount)} if guest.does == "reset" else {number(str(FUNDED - locked))}
    if guest.does == "faucet":
        possible = {number(str(FUNDED - locked)) + number(FAUCET) * times for times in range(1, guest.credits + 1)}
    if number(found.available) not in possible:
        verdict = doubled if number(found.available) > max(possible) else lost
        yield verdict(f"{what} has {found.available} USDC available, and should have {sorted(possible)}")
    if found.keys:
        yield wrong(f"{what} has keys that were revoked: {found.keys}")
    if found.disabled != guest.stays_disabled:
        yield wrong(f"{what} is {'disabled' if found.disabled else 'enabled'}")


def _listed(history: History) -> Iterator[Finding]:
    for listed in history.listed:
        fee = history.final.taker_fees.get(listed.market)
        if listed.codes:
            yield wrong(f"{listed.market} was refused with {listed.codes}")
        elif not listed.settled:
            yield wrong(f"{listed.market} was never answered")
        elif fee is None:
            yield lost(f"{listed.market} was listed, and is not there")
        elif number(fee) != number(listed.taker_fee):
            yield wrong(f"{listed.market} has a taker fee of {fee}, and was given {listed.taker_fee}")


def _prunes(history: History) -> Iterator[Finding]:
    """A pruning drops what it may, or is killed, or says in a sentence why it could not."""
    for end in history.prunes:
        if end.exit_code not in (0, -9) and not (end.exit_code == 1 and end.said.startswith("exchange: ")):
            yield wrong(f"exchange journal prune ended with exit code {end.exit_code} and the words {end.said!r}")
