"""Hosts and origins as people write them, in the form that browsers send; and which addresses only this machine has."""

import ipaddress
import re
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address: all of 127.0.0.0/8, ::1, and `localhost`."""
    if host.lower() in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_name(text: str) -> str:
    """A name or address as it stands in a Host header, without the port: `Bot.Test:8080` is `bot.test`.

    ValueError for what no Host header can have: a scheme, a path, a wildcard.
    """
    try:
        return str(ipaddress.IPv6Address(text[1:-1] if text.startswith("[") and text.endswith("]") else text))
    except ValueError:
        pass
    if not text.isprintable():  # urlsplit would leave line breaks out
        raise ValueError(f"{text!r} is not a host name")
    try:
        parts = urlsplit(f"//{text}")
        _ = parts.port  # raises ValueError if it is not a port
    except ValueError as error:
        raise ValueError(f"{text!r} is not a host name") from error
    if parts.hostname is None or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{text!r} is not a host name")
    if parts.netloc.startswith("["):
        return str(ipaddress.IPv6Address(parts.hostname))  # whose error is a ValueError
    try:
        name = parts.hostname.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise ValueError(f"{text!r} is not a host name") from error
    if not _NAME.fullmatch(name):
        raise ValueError(f"{text!r} is not a host name")
    return name


def origin_of(text: str) -> str:
    """An origin as browsers send it: `HTTPS://Bot.Test:443/` is `https://bot.test`. ValueError if it is not one."""
    scheme, separator, rest = text.partition("://")
    rest = rest.removesuffix("/")
    if not separator or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) or re.search(r"[/?#@\s]", rest):
        raise ValueError(f"{text!r} is not an origin")
    scheme = scheme.lower()
    name = host_name(rest)
    port = urlsplit(f"//{rest}").port if not _is_bare_ipv6(rest) else None
    shown = f"[{name}]" if ":" in name else name
    return f"{scheme}://{shown}" if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{scheme}://{shown}:{port}"


def network_of(text: str) -> str:
    """An address, or a network whose address has no bits beyond its prefix. ValueError if it is neither."""
    return str(ipaddress.ip_network(text.strip()))


def _is_bare_ipv6(text: str) -> bool:
    return text.count(":") > 1 and not text.startswith("[")
