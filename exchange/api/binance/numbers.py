"""Numbers of this dialect: text with exactly eight decimals; an amount of a finer asset has as many as the asset."""

import re
from functools import lru_cache
from typing import Final

from exchange.api.binance.errors import BinanceError, illegal
from exchange.core.instrument import Asset, Instrument

DECIMALS: Final = 8
ZERO: Final = "0.00000000"
LEGAL: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
LEGAL_INTEGER: Final = "^[0-9]{1,20}$"
INTEGER_MAX: Final = 2**63 - 1

_LEGAL = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
_LEGAL_INTEGER = re.compile(r"[0-9]{1,20}")


@lru_cache(maxsize=1 << 15)  # prices and quantities recur
def text_of(value: int, decimals: int) -> str:
    """The exact text of a number that is scaled by a power of ten: 15002 at 2 decimals is `"150.02000000"`."""
    if value < 0:
        return "-" + text_of(-value, decimals)
    if decimals < DECIMALS:
        value *= 10 ** (DECIMALS - decimals)
        decimals = DECIMALS
    digits = str(value).zfill(decimals + 1)
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


def price(rules: Instrument, price_ticks: int) -> str:
    """A price."""
    return text_of(price_ticks * rules.tick, rules.price_decimals)


def quantity(rules: Instrument, quantity_lots: int) -> str:
    """A quantity."""
    return text_of(quantity_lots * rules.lot, rules.quantity_decimals)


def amount(asset: Asset, amount_minor: int) -> str:
    """An amount of money."""
    return text_of(amount_minor, asset.decimals)


def ratio(numerator: int, denominator: int, decimals: int = DECIMALS) -> str:
    """A quotient, rounded toward zero."""
    scaled = abs(numerator) * 10**decimals // denominator
    digits = str(scaled).zfill(decimals + 1)
    sign = "-" if numerator < 0 and scaled else ""
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def price_ratio(rules: Instrument, numerator_ticks: int, denominator: int) -> str:
    """A price that is a fraction of ticks, rounded down to eight decimals."""
    return ratio(numerator_ticks * rules.tick, denominator * int(10**rules.price_decimals))


def integer(name: str, text: str) -> int:
    """A parameter that is a whole number. Raises BinanceError."""
    if not _LEGAL_INTEGER.fullmatch(text):
        raise illegal(name, LEGAL_INTEGER)
    value = int(text)
    if value > INTEGER_MAX:
        raise BinanceError(-1108, f"Parameter '{name}' overflowed.")
    return value


def decimal(name: str, text: str) -> str:
    """A parameter that is a decimal number, as plain text. Raises BinanceError."""
    if not _LEGAL.fullmatch(text):
        raise illegal(name, LEGAL)
    return text
