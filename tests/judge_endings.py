"""Timers and sockets in the judge's stories."""

from exchange.core.commands import EndSocket
from exchange.core.instrument import Instrument
from exchange.core.timers import CancelAllAfter, RunTimer


def ending(
    rules: Instrument, user: str, terms: str, how: tuple[str, int, int]
) -> CancelAllAfter | RunTimer | EndSocket:
    """A timer that is set, mostly of one market, or the end of a socket: by the kind, price and lots of a wish."""
    kind, price, lots = how
    if kind == "socket":
        return EndSocket(rules.symbol, (None, 1, 2)[lots % 3], price)
    if lots == 1:
        return RunTimer()
    market = None if lots % 3 == 0 else "NO_WHERE" if lots == 8 else rules.symbol
    wait_ms = (0, 1, 2, 20_000, 61_000, 86_400_000 + lots % 2)[price - 1]
    return CancelAllAfter("nobody" if terms == "worst" else user, market, wait_ms)


def socket_of(soon: int, lots: int) -> int | None:
    """The socket that an order is bound to, if to any."""
    return 1 + lots % 2 if soon in (1, 2, 7) else None
