"""The address of an exchange, as a client is given it."""

from collections.abc import Sequence

from yarl import URL


def address_of(url: str, schemes: Sequence[str], example: str) -> str:
    """The address without a slash at its end. Raises ValueError for what no connection can be made to."""
    try:
        address = URL(url)
        usable = address.scheme in schemes and bool((address.raw_host or "").encode("idna")) and bool(address.port)
    except ValueError:  # of the parts, the port, or a label that is too long
        usable = False
    if not usable or not url.isprintable() or any(letter in " ?#" for letter in url):
        raise ValueError(f"{url!r} is not an address like {example}")
    return url.rstrip("/")
