"""TLS of both ports: a certificate and its key from files, read again when they change.

Promises: connections that begin after a renewal have the new certificate, without a restart. Files that do not fit
leave the one in use in place.
"""

import asyncio
import ssl
import time
from datetime import datetime
from pathlib import Path

import structlog
from cryptography import x509

from exchange.config import ServerConfig
from exchange.failure import Failure
from exchange.files import content_of

log = structlog.get_logger(__name__)

FILE_BYTES_MAX = 1 << 20
LOOK_S = 30.0  # how often the files are looked at


class Tls:
    """A context for servers, and until when its certificate is valid."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """`key` may be the same file. Raises Failure."""
        self._certificate, self._key = certificate, key
        self._seen = self._changed_ns()
        self.context, self.expires_s = _read(certificate, key)

    async def run(self) -> None:
        """Read the files again when they change, until cancelled."""
        if self.expires_s < time.time():
            log.warning("the TLS certificate has expired", certificate=str(self._certificate))
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Read the files again if they have changed."""
        try:
            seen = self._changed_ns()
            if seen == self._seen:
                return
            self._seen = seen
            _, self.expires_s = _read(self._certificate, self._key)
            # In place: the listeners have this context. What was read first has shown that both files fit.
            self.context.load_cert_chain(self._certificate, self._key, _no_password)
        except (Failure, OSError) as error:
            log.error("the TLS certificate was not read again; the old one stays", cause=str(error))
            return
        log.info("the TLS certificate was read again", expires=datetime.fromtimestamp(self.expires_s).isoformat())

    def _changed_ns(self) -> tuple[int, int]:
        try:
            return self._certificate.stat().st_mtime_ns, self._key.stat().st_mtime_ns
        except OSError as error:
            raise _unreadable(error) from error


def tls_of(config: ServerConfig) -> Tls | None:
    """What the configuration wants; None for plain HTTP. Raises Failure."""
    if not config.tls_certificate:
        return None
    certificate = Path(config.tls_certificate)
    return Tls(certificate, Path(config.tls_key) if config.tls_key else certificate)


def _read(certificate: Path, key: Path) -> tuple[ssl.SSLContext, float]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        first = x509.load_pem_x509_certificate(content_of(certificate, FILE_BYTES_MAX, pipes=False))
        content_of(key, FILE_BYTES_MAX, pipes=False)
    except OSError as error:
        raise _unreadable(error) from error
    except ValueError:
        raise Failure(f"[server] tls_certificate {certificate} is not a certificate in PEM format.", 2) from None
    try:
        context.load_cert_chain(certificate, key, _no_password)
    except (ssl.SSLError, ValueError, TypeError) as error:
        reason = getattr(error, "reason", None) or "it is not an unencrypted private key in PEM format"
        why = "it belongs to another certificate" if reason == "KEY_VALUES_MISMATCH" else str(reason)
        raise Failure(f"[server] tls_key {key} does not fit the certificate {certificate}: {why}.", 2) from error
    return context, first.not_valid_after_utc.timestamp()


def _unreadable(error: OSError) -> Failure:
    return Failure(f"[server] The TLS file {error.filename} cannot be read: {error.strerror or error}.", 2)


def _no_password() -> str:
    """An encrypted key is refused: OpenSSL would ask the terminal."""
    return ""
