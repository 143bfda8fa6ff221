"""Which authenticator the configuration wants, and what it needs while the exchange runs."""

import asyncio
from collections.abc import Callable

import structlog

from exchange.config import Config
from exchange.runtime.app import Exchange
from exchange.service.key_authenticator import AHEAD_NS, KeyAuthenticator
from exchange.service.principal import Authenticator, DevAuthenticator, Permission
from exchange.service.signers import DevSigners, Signers
from exchange.service.vault import Vault

log = structlog.get_logger(__name__)

SWEEP_S = 0.5  # how late the end of a key that expires is noticed on a socket that only listens
OpenVault = Callable[[], Vault]


def authenticator_of(config: Config, exchange: Exchange, vault: OpenVault) -> Authenticator:
    """The authenticator of the mode. Make it after the database is locked. Raises Failure."""
    if config.auth.mode == "dev":
        return DevAuthenticator()
    keys, engine = exchange.venue.keys, exchange.engine
    if not any(Permission.ADMIN.value in key.permissions for key in keys.all()):
        log.warning(
            '[auth] mode = "keys", and there is no admin key. Stop the exchange and create one: '
            "exchange user create USER, then exchange key create USER --type hmac --permissions admin"
        )
    return KeyAuthenticator(
        keys,
        vault(),
        engine.time_ns,
        # What the process before this one took may be signed for up to this much later than its end.
        since_ns=engine.time_ns() + AHEAD_NS,
        window_ns=int(config.auth.window_s * 1_000_000_000),
        signatures_max=config.auth.signatures_max,
    )


def signers_of(authenticator: Authenticator, exchange: Exchange) -> Signers:
    """Who signs in dialects that judge themselves when a signature is too old."""
    return authenticator if isinstance(authenticator, KeyAuthenticator) else DevSigners(exchange.venue.ledger)


async def ready(authenticator: Authenticator) -> None:
    """Return when signatures of the current time count: until a second after the start none does."""
    if isinstance(authenticator, KeyAuthenticator):
        await asyncio.sleep(authenticator.counts_in_s())


async def sweep(authenticator: Authenticator) -> None:
    """End the sockets of keys that expire, until cancelled."""
    while True:
        await asyncio.sleep(SWEEP_S)
        authenticator.sweep()
