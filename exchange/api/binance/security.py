"""Who sends a request: the header `X-MBX-APIKEY`, and the signature over query and body.

A signature may be used again as long as its timestamp is in the window.
"""

import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final
from urllib.parse import unquote

from exchange.api.binance.asked import MICROSECOND_NS, MILLISECOND_NS
from exchange.api.binance.errors import NO_KEY, BinanceError, mandatory, not_valid
from exchange.api.http.request import Request
from exchange.service.codes import Code, Refused
from exchange.service.principal import Permission, Principal
from exchange.service.signers import Signers

AHEAD_NS: Final = 1_000_000_000
WINDOW_MS: Final = 5000  # unless the request says otherwise
WINDOW_MAX_MS: Final = 60_000
MICROSECONDS_FROM: Final = 10**15  # a timestamp of so much is in microseconds
TIMESTAMP_DIGITS_MAX: Final = 20
WELL_FORMED_MAX: Final = 10_000  # keys whose form is known; then all are forgotten
_KEY = re.compile(r"[A-Za-z0-9._-]{1,128}")
_WINDOW = re.compile(r"[0-9]{1,8}(?:\.[0-9]{1,3})?")


class Security(Enum):
    """What a call needs. The last three need a signature."""

    NONE = 0
    API_KEY = 1  # a key, no signature
    USER_DATA = 2
    TRADE = 3


# Looking a member up in its enum, or in a dict, costs more than a comparison.
_API_KEY: Final = Security.API_KEY
_TRADE: Final = Security.TRADE
_MAY_READ: Final = Permission.READ
_MAY_TRADE: Final = Permission.TRADE


def permission_of(needed: Security) -> Permission:
    """The permission that a call needs of a key."""
    return _MAY_TRADE if needed is _TRADE else _MAY_READ


def signed_part(query: str, body: bytes) -> tuple[bytes, str | None]:
    """What is signed of a request, which is query and body without the signature; and the signature."""
    before, last, ending = query.rpartition("&signature=")
    if last and not body and "&" not in ending and "signature=" not in before:
        return before.encode("utf-8", "surrogateescape"), unquote(ending) if "%" in ending else ending
    signature: str | None = None
    parts = []
    for raw in (query.encode("utf-8", "surrogateescape"), body):
        if b"signature=" not in raw:
            parts.append(raw)
            continue
        kept = []
        for pair in raw.split(b"&"):
            if pair.startswith(b"signature="):
                signature = signature or unquote(pair[len(b"signature=") :].decode("ascii", "replace"))
            else:
                kept.append(pair)
        parts.append(b"&".join(kept))
    return b"".join(parts), signature


def unit_of(name: str, value: str | None) -> int:
    """The unit of times that the client wants, in nanoseconds. Raises BinanceError."""
    if value is None or value.upper() == "MILLISECOND":
        return MILLISECOND_NS
    if value.upper() == "MICROSECOND":
        return MICROSECOND_NS
    raise BinanceError(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")


class Guard:
    """Finds out who asks. Times are the exchange's."""

    def __init__(self, signers: Signers, now_ns: Callable[[], int]) -> None:
        self._signers = signers
        self._now_ns = now_ns
        self._well_formed: set[str] = set()
        self._window = ""  # the last that was sent, and what it is: most clients send one
        self._window_ns = 0

    def of_http(self, request: Request, values: Mapping[str, str], needed: Security) -> Principal:
        """The owner of the key that a request over HTTP names, and has signed with if need be. Raises BinanceError."""
        api_key = request.headers.get("x-mbx-apikey", "")
        if needed is _API_KEY:
            return self.owner(api_key, request.address)
        message, signature = signed_part(request.query, request.raw_body)
        return self.signed(api_key, values, message, signature, request.address, needed)

    def owner(self, api_key: str, address: str | None) -> Principal:
        """Whose key it is. Raises BinanceError."""
        self._check_format(api_key)
        try:
            return self._signers.owner(api_key, address)
        except Refused as refused:
            raise _rejected(refused) from None

    def signed(
        self,
        api_key: str,
        values: Mapping[str, str],
        message: bytes,
        signature: str | None,
        address: str | None,
        needed: Security,
    ) -> Principal:
        """Whose key has signed the message, in time and with the permission that is needed. Raises BinanceError."""
        self._check_format(api_key)
        try:
            if not signature:
                raise mandatory("signature")
            self.check_time(values)
        except BinanceError:
            self.owner(api_key, address)  # an unknown key is said to be unknown, whatever else is wrong
            raise
        try:
            principal = self._signers.signed(api_key, signature, message, address)
        except Refused as refused:
            raise _rejected(refused) from None
        if principal is None:
            raise BinanceError(-1022, "Signature for this request is not valid.")
        self.check_permission(principal, needed)
        return principal

    def usable(self, api_key: str, address: str | None) -> bool:
        """Whether a key that was good still is."""
        try:
            self._signers.owner(api_key, address)
        except Refused:
            return False
        return True

    def check_session_key(self, api_key: str, address: str | None) -> None:
        """Raise BinanceError unless a socket may log on with the key: only Ed25519 keys may."""
        self.owner(api_key, address)
        if not self._signers.may_log_on(api_key):
            raise BinanceError(-4056, "HMAC_SHA256 API key is not supported.")

    def check_permission(self, principal: Principal, needed: Security) -> None:
        """Raise BinanceError unless the principal has it."""
        if permission_of(needed) not in principal.permissions:
            raise BinanceError(-2015, NO_KEY, 401)

    def check_time(self, values: Mapping[str, str]) -> None:
        """Raise BinanceError unless the timestamp is in the window."""
        text = values.get("timestamp")
        if not text:
            raise mandatory("timestamp")
        if not (text.isascii() and text.isdigit() and len(text) <= TIMESTAMP_DIGITS_MAX):
            raise BinanceError(
                -1100, "Illegal characters found in parameter 'timestamp'; legal range is '^[0-9]{1,20}$'."
            )
        window = values.get("recvWindow")
        if window is None:
            window_ns = WINDOW_MS * MILLISECOND_NS
        else:
            if not window:
                raise BinanceError(-1105, "Parameter 'recvWindow' was empty.")
            if window != self._window:
                self._window_ns, self._window = _window_ns(window), window
            window_ns = self._window_ns
        timestamp, now_ns = int(text), self._now_ns()
        time_ns = timestamp * (MICROSECOND_NS if timestamp >= MICROSECONDS_FROM else MILLISECOND_NS)
        if time_ns >= now_ns + AHEAD_NS:
            raise BinanceError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if now_ns - time_ns > window_ns:
            raise BinanceError(-1021, "Timestamp for this request is outside of the recvWindow.")

    def _check_format(self, api_key: str) -> None:
        if api_key in self._well_formed:
            return
        if not _KEY.fullmatch(api_key):
            raise BinanceError(-2014, "API-key format invalid.", 401)
        if len(self._well_formed) >= WELL_FORMED_MAX:
            self._well_formed.clear()
        self._well_formed.add(api_key)


def _window_ns(text: str) -> int:
    if not _WINDOW.fullmatch(text):
        raise not_valid("recvWindow")
    whole, _, fraction = text.partition(".")
    window_us = int(whole) * 1000 + int(fraction.ljust(3, "0"))
    if window_us > WINDOW_MAX_MS * 1000:
        raise BinanceError(-1131, f"recvWindow must be less than {WINDOW_MAX_MS}.")
    return window_us * MICROSECOND_NS


def _rejected(refused: Refused) -> BinanceError:
    assert refused.code in (Code.UNAUTHENTICATED, Code.FORBIDDEN), refused
    return BinanceError(-2015, NO_KEY, 401)
