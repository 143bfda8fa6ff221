"""The parameters of one request, as text by name, and what was read of them.

Over HTTP they travel in the query, in the body as a form, or in both, where the query wins. A parameter that no call
reads is refused: `done` says so.
"""

import re
from collections.abc import Collection, Mapping, Set
from typing import Final
from urllib.parse import parse_qsl

import orjson

from exchange.api.binance import numbers
from exchange.api.binance.errors import BinanceError, illegal, mandatory, not_valid

PARAMETERS_MAX: Final = 100
SIGNING: Final = ("timestamp", "recvWindow", "signature")
LEGAL_SYMBOLS: Final = r'^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\]$'
_SYMBOLS = re.compile(r'\["[A-Z0-9\-_.]{1,20}"(?:,"[A-Z0-9\-_.]{1,20}")*\]')


def from_http(query: str, body: bytes) -> dict[str, str]:
    """The parameters of a request over HTTP. Raises BinanceError."""
    if not body:
        return _distinct(query)
    found: dict[str, str] = {}
    for text in (body.decode("utf-8", "replace"), query):
        found.update(_distinct(text))
    return found


def _distinct(text: str) -> dict[str, str]:
    """The parameters of a query or a form. Raises BinanceError."""
    count, one = _read(text) if text else (0, {})
    if len(one) < count:
        raise BinanceError(-1101, "Duplicate values for a parameter detected.")
    return one


def _read(text: str) -> tuple[int, dict[str, str]]:
    """How many parameters there are in a text, and the values by name. Raises BinanceError."""
    if text.count("&") >= PARAMETERS_MAX:
        raise BinanceError(-1101, "Too many parameters sent for this endpoint.")
    if "%" in text or "+" in text:
        decoded = parse_qsl(text, keep_blank_values=True)
        return len(decoded), dict(decoded)
    # Most have nothing to decode; taking them apart is then all there is to do.
    found: dict[str, str] = {}
    count = 0
    for pair in text.split("&"):
        if pair:
            count += 1
            name, _, value = pair.partition("=")
            found[name] = value
    return count, found


class Parameters:
    """The parameters of one request. Every method raises BinanceError where a value cannot be what it must be."""

    __slots__ = ("_read", "values")

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values
        self._read: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def beyond(self, names: Set[str]) -> bool:
        """Whether there are parameters of other names."""
        return not self.values.keys() <= names

    def done(self) -> None:
        """All parameters that the call knows are read: refuse others."""
        read, sent = len(self._read), len(self.values)
        for name in SIGNING:
            read += name in self.values and name not in self._read
        if read == sent:
            return
        if not self._read:
            raise BinanceError(-1101, f"Too many parameters; expected '0' and received '{sent - read}'.")
        message = f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
        raise BinanceError(-1104, message)

    def part(self, names: Mapping[str, str], kind: str | None = None) -> "Parameters":
        """The parameters of one of several orders, by their plain names; `names` has those that they are sent under.

        `kind` is the type of the order where the call says it.
        """
        values = {name: self.values[sent] for name, sent in names.items() if sent in self.values}
        if kind is not None:
            values["type"] = kind
        return Parameters(values)

    def read_by(self, part: "Parameters", names: Mapping[str, str]) -> None:
        """What was read of a part is read of the whole."""
        self._read.update([names[name] for name in part._read if name in names])

    def text(self, name: str) -> str | None:
        """A parameter as it was sent, None without it."""
        value = self.values.get(name)
        if value is None:
            return None
        self._read.add(name)
        if value == "":
            raise BinanceError(-1105, f"Parameter '{name}' was empty.")
        return value

    def needed(self, name: str) -> str:
        """A parameter that must be there."""
        self._read.add(name)
        value = self.values.get(name)
        if not value:
            raise mandatory(name)
        return value

    def integer(self, name: str) -> int | None:
        """A whole number."""
        value = self.text(name)
        return None if value is None else numbers.integer(name, value)

    def decimal(self, name: str) -> str | None:
        """A decimal number, as plain text."""
        value = self.text(name)
        return None if value is None else numbers.decimal(name, value)

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value = self.text(name)
        if value is None:
            return None
        if value.lower() not in ("true", "false"):
            raise not_valid(name)
        return value.lower() == "true"

    def choice(self, name: str, among: Collection[str]) -> str | None:
        """One of some words."""
        value = self.text(name)
        if value is not None and value not in among:
            raise not_valid(name)
        return value

    def limit(self, default: int, most: int) -> int:
        """How many at most; more than `most` is `most`, as on Binance."""
        value = self.integer("limit")
        if value is None:
            return default
        if value < 1:
            raise BinanceError(-1100, "Illegal characters found in parameter 'limit'; legal range is '^[1-9][0-9]*$'.")
        return min(value, most)

    def symbols(self, most: int | None = None) -> list[str] | None:
        """A list of symbols: a JSON array of texts."""
        name = "symbols"
        value = self.text(name)
        if value is None:
            return None
        if not _SYMBOLS.fullmatch(value):
            raise illegal(name, LEGAL_SYMBOLS)
        listed: list[str] = orjson.loads(value)
        if most is not None and len(listed) > most:
            raise BinanceError(-1101, f"Too many parameters; expected '{most}' and received '{len(listed)}'.")
        if len(set(listed)) < len(listed):
            raise BinanceError(-1151, "Symbol is present multiple times in the list.")
        return listed
