"""Assets and instruments: the one place where text becomes an integer, and an integer text.

Prices are counted in ticks, quantities in lots, money in an asset's minor units. An instrument is accepted only if one
tick times one lot is a whole number of the quote's minor units, so every notional is exact; nothing here ever rounds
except a fee, up, in favour of the house.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

UNITS_MAX: Final = 2**63  # ticks and lots stay below it: they are BIGINT in the database
AMOUNT_MAX: Final = 10**38  # minor units stay below it: they are NUMERIC(38,0) in the database
PPM: Final = 1_000_000
DECIMALS_MAX = 30
_TEXT_MAX = 100  # digits; longer than any number in range, with room for leading and trailing zeros


class InvalidNumber(ValueError):
    """The text is not a plain decimal number."""


class OffGrid(ValueError):
    """The number is no multiple of the step it must be a multiple of."""


class InvalidInstrument(ValueError):
    """The rules contradict each other; the message says how, in one clause."""


class MarketStatus(IntEnum):
    """What a market takes: see `status`. Cancels are always taken."""

    TRADING = 0
    HALTED = 1  # no orders
    POST_ONLY = 2  # orders that rest: nothing trades
    CANCEL_ONLY = 3  # no orders


@lru_cache(maxsize=1 << 14)  # prices and quantities recur
def parse_scaled(text: str, decimals: int) -> int:
    """`"150.02"` at 3 decimals is 150020.

    Raises InvalidNumber unless the text is plain digits with at most one point between digits, and OffGrid when it is
    finer than `decimals`; trailing zeros are no finer.
    """
    whole, point, fraction = text.partition(".")
    if not whole.isdigit() or (point and not fraction.isdigit()) or not text.isascii() or len(text) > _TEXT_MAX:
        raise InvalidNumber(text)
    if len(fraction) > decimals:
        if fraction[decimals:].strip("0"):
            raise OffGrid(text)
        fraction = fraction[:decimals]
    return int(whole + fraction.ljust(decimals, "0"))


@lru_cache(maxsize=1 << 16)  # they recur as well; balances do not, and push out what is oldest
def decimal_text(value: int, decimals: int) -> str:
    """The shortest exact text: 150020 at 3 decimals is `"150.02"`, 2000 is `"2"`."""
    if value < 0:  # a change of price; nothing else is
        return "-" + decimal_text(-value, decimals)
    if not decimals:
        return str(value)
    digits = str(value).zfill(decimals + 1)
    fraction = digits[-decimals:].rstrip("0")
    return f"{digits[:-decimals]}.{fraction}" if fraction else digits[:-decimals]


def div_ceil(numerator: int, denominator: int) -> int:
    """The quotient, rounded up."""
    return -(-numerator // denominator)


def fee_minor(received_minor: int, fee_ppm: int) -> int:
    """The fee on what is received: rounded up to the minor unit; at most everything, since `fee_ppm` is at most PPM."""
    return -(-received_minor * fee_ppm // PPM)


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset. `decimals` says how many minor units one unit has: 10 ** decimals."""

    symbol: str
    decimals: int

    def minor(self, text: str) -> int:
        """The amount in minor units. Raises InvalidNumber, or OffGrid when it is finer than the asset."""
        return parse_scaled(text, self.decimals)

    def text(self, amount_minor: int) -> str:
        """The amount as decimal text."""
        return decimal_text(amount_minor, self.decimals)


@dataclass(frozen=True, slots=True)
class Instrument:
    """The rules of one market. Made by `instrument_of`, which checks them."""

    symbol: str
    base: Asset
    quote: Asset
    tick: int  # the tick size, scaled by price_decimals
    price_decimals: int
    lot: int  # the lot size, scaled by quantity_decimals
    quantity_decimals: int
    lot_minor: int  # base minor units in one lot
    notional_unit: int  # quote minor units in one tick times one lot
    min_notional_minor: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    max_open_orders: int
    status: MarketStatus

    def ticks(self, text: str) -> int:
        """The price in ticks. Raises InvalidNumber or OffGrid; the range is the caller's to check."""
        return self._steps(text, self.price_decimals, self.tick)

    def lots(self, text: str) -> int:
        """The quantity in lots. Raises InvalidNumber or OffGrid; the range is the caller's to check."""
        return self._steps(text, self.quantity_decimals, self.lot)

    def price_text(self, price_ticks: int) -> str:
        """The price as decimal text."""
        return decimal_text(price_ticks * self.tick, self.price_decimals)

    def quantity_text(self, quantity_lots: int) -> str:
        """The quantity as decimal text."""
        return decimal_text(quantity_lots * self.lot, self.quantity_decimals)

    def same_scale(self, other: "Instrument") -> bool:
        """Whether a tick, a lot and a minor unit mean the same under both rules."""
        return (self.base, self.quote, self.tick, self.price_decimals, self.lot, self.quantity_decimals) == (
            other.base,
            other.quote,
            other.tick,
            other.price_decimals,
            other.lot,
            other.quantity_decimals,
        )

    @staticmethod
    def _steps(text: str, decimals: int, step: int) -> int:
        steps, off = divmod(parse_scaled(text, decimals), step)
        if off:
            raise OffGrid(text)
        return steps


def _step(name: str, text: str) -> tuple[int, int]:
    """A step's digits and decimals: `"0.0250"` is (25, 3)."""
    decimals = len(text.partition(".")[2].rstrip("0"))
    try:
        step = parse_scaled(text, decimals)
    except InvalidNumber:
        raise InvalidInstrument(f"{name} {text!r} is not a decimal number") from None
    if step == 0:
        raise InvalidInstrument(f"{name} must be greater than zero")
    return step, decimals


def _fee_ppm(name: str, text: str) -> int:
    try:
        fee_ppm = parse_scaled(text, 6)
    except ValueError:
        raise InvalidInstrument(f"{name} {text!r} is not a fraction of at most six decimals") from None
    if fee_ppm > PPM:
        raise InvalidInstrument(f"{name} is more than everything")
    return fee_ppm


def _min_notional_minor(quote: Asset, text: str) -> int:
    try:
        amount_minor = quote.minor(text)
    except ValueError:
        raise InvalidInstrument(f"min_notional {text!r} is not an amount of {quote.symbol}") from None
    if amount_minor >= AMOUNT_MAX:
        raise InvalidInstrument(f"min_notional {text} is more than any order can be worth")
    return amount_minor


def instrument_of(
    symbol: str,
    base: Asset,
    quote: Asset,
    *,
    tick_size: str,
    lot_size: str,
    min_notional: str = "0",
    maker_fee: str = "0",
    taker_fee: str = "0",
    max_open_orders: int = 1000,
    status: MarketStatus = MarketStatus.TRADING,
) -> Instrument:
    """The instrument that these rules describe.

    Sizes and `min_notional` are decimal text, fees are fractions of what is received (`"0.001"` is 0.1 %).
    Raises InvalidInstrument when the rules contradict each other.
    """
    if base.symbol == quote.symbol:
        raise InvalidInstrument(f"{base.symbol} cannot trade against itself")
    tick, price_decimals = _step("tick_size", tick_size)
    lot, quantity_decimals = _step("lot_size", lot_size)
    if quantity_decimals > base.decimals:
        raise InvalidInstrument(f"lot_size {lot_size} is finer than {base.symbol} with its {base.decimals} decimals")
    scale = quote.decimals - price_decimals - quantity_decimals
    notional_unit, off = divmod(tick * lot * 10 ** max(scale, 0), 10 ** max(-scale, 0))
    if off:
        raise InvalidInstrument(
            f"tick_size {tick_size} times lot_size {lot_size} is no whole number of {quote.symbol}'s minor units"
        )
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        tick=tick,
        price_decimals=price_decimals,
        lot=lot,
        quantity_decimals=quantity_decimals,
        lot_minor=lot * 10 ** (base.decimals - quantity_decimals),
        notional_unit=notional_unit,
        min_notional_minor=_min_notional_minor(quote, min_notional),
        maker_fee_ppm=_fee_ppm("maker_fee", maker_fee),
        taker_fee_ppm=_fee_ppm("taker_fee", taker_fee),
        max_open_orders=max_open_orders,
        status=status,
    )
