"""Assets and instruments: the one place where text becomes an integer, and an integer text.

Prices are counted in ticks, quantities in lots, money in an asset's minor units. An instrument is accepted only if one
tick times one lot is a whole number of the quote's minor units, so every notional is exact; nothing here ever rounds
except a fee (see `fees`), up, in favour of the house.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from exchange.core.conditions import ALL_MODES, SelfTrade
from exchange.core.filters import NUMBER_MAX, RATIO_DECIMALS, RATIO_MAX, Counted, Filters

UNITS_MAX: Final = 2**63  # ticks and lots stay below it: they are BIGINT in the database
AMOUNT_MAX: Final = 10**38  # minor units stay below it: they are NUMERIC(38,0) in the database
PPM: Final = 1_000_000
COUNT_MAX: Final = 2**31 - 1  # of what a rule counts: it is an INTEGER in the database
FILLS_MAX: Final = 10_000  # of one order, unless a market's rules say otherwise
AVG_PRICE_MINS_MAX: Final = 60
DECIMALS_MAX = 30
_TEXT_MAX = 100  # digits; longer than any number in range, with room for leading and trailing zeros
# Prices and quantities recur. By decimals, what was read and shown: so many of each are kept, then all are forgotten.
MEMO_MAX: Final = 1 << 13
_numbers: Final[list[dict[str, int]]] = [{} for _ in range(DECIMALS_MAX + 1)]
_texts: Final[list[dict[int, str]]] = [{} for _ in range(DECIMALS_MAX + 1)]


class InvalidNumber(ValueError):
    """The text is not a plain decimal number."""


class OffGrid(ValueError):
    """The number is no multiple of the step it must be a multiple of."""


class InvalidInstrument(ValueError):
    """The rules contradict each other; the message says how, in one clause."""


class FeeAsset(IntEnum):
    """The asset that a market's fees are in."""

    RECEIVED = 0  # each side pays in what it receives
    QUOTE = 1  # both sides pay in the quote


RECEIVED: Final = FeeAsset.RECEIVED  # looking a member up in its enum costs more than a comparison


class MarketStatus(IntEnum):
    """What a market takes: see `status`. Cancels are always taken."""

    TRADING = 0
    HALTED = 1  # no orders
    POST_ONLY = 2  # orders that rest: nothing trades
    CANCEL_ONLY = 3  # no orders


def parse_scaled(text: str, decimals: int) -> int:
    """`"150.02"` at 3 decimals is 150020.

    Raises InvalidNumber unless the text is plain digits with at most one point between digits, and OffGrid when it is
    finer than `decimals`; trailing zeros are no finer.
    """
    if decimals > DECIMALS_MAX:
        return _parsed(text, decimals)
    memo = _numbers[decimals]
    number = memo.get(text)
    if number is None:
        number = _parsed(text, decimals)
        if len(memo) >= MEMO_MAX:
            memo.clear()
        memo[text] = number
    return number


def _parsed(text: str, decimals: int) -> int:
    whole, point, fraction = text.partition(".")
    if not whole.isdigit() or (point and not fraction.isdigit()) or not text.isascii() or len(text) > _TEXT_MAX:
        raise InvalidNumber(text)
    if len(fraction) > decimals:
        if fraction[decimals:].strip("0"):
            raise OffGrid(text)
        fraction = fraction[:decimals]
    return int(whole + fraction.ljust(decimals, "0"))


def decimal_text(value: int, decimals: int) -> str:
    """The shortest exact text: 150020 at 3 decimals is `"150.02"`, 2000 is `"2"`."""
    if decimals > DECIMALS_MAX:
        return _text(value, decimals)
    memo = _texts[decimals]
    text = memo.get(value)
    if text is None:
        text = _text(value, decimals)
        if len(memo) >= MEMO_MAX:
            memo.clear()
        memo[value] = text
    return text


def _text(value: int, decimals: int) -> str:
    if value < 0:  # a change of price, a rebate; nothing else is
        return "-" + decimal_text(-value, decimals)
    if not decimals:
        return str(value)
    digits = str(value).zfill(decimals + 1)
    fraction = digits[-decimals:].rstrip("0")
    return f"{digits[:-decimals]}.{fraction}" if fraction else digits[:-decimals]


def div_ceil(numerator: int, denominator: int) -> int:
    """The quotient, rounded up."""
    return -(-numerator // denominator)


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
class TierFees:
    """What the users of a fee tier pay in a market, instead of its own rates."""

    tier: str
    maker_ppm: int
    taker_ppm: int


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
    fee_asset: FeeAsset = FeeAsset.RECEIVED  # it never changes in a market, as the scale does not
    min_price_ticks: int = 1  # 0: orders at a price of zero are allowed
    max_fills_per_order: int = FILLS_MAX
    min_notional_applies_to_market: bool = False
    avg_price_mins: int = 5  # of the average price that a market order is worth; 0: the last price
    # Of a market that an earlier version stored: its fees may take all that one lot brings.
    fills_may_leave_nothing: bool = False
    self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER  # of an order that names no mode
    self_trade_modes: int = ALL_MODES  # those that an order may name, a bit each
    set_min_price_ticks: int = 1  # as it was set: min_price_ticks is more where the fees need that
    tiers: tuple[TierFees, ...] = ()  # by name
    filters: Filters | None = None

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

    def ratio(self, text: str) -> int:
        """A multiplier of prices in millionths. Raises InvalidNumber or OffGrid."""
        return parse_scaled(text, RATIO_DECIMALS)

    def ratio_text(self, ratio: int) -> str:
        """The multiplier as decimal text."""
        return decimal_text(ratio, RATIO_DECIMALS)

    def most(self, counted: Counted) -> int:
        """The largest number that a filter counted in that may have."""
        if counted is Counted.TICKS or counted is Counted.LOTS:
            return UNITS_MAX - 1
        if counted is Counted.RATIO:
            return RATIO_MAX
        return NUMBER_MAX if counted is Counted.NUMBER else 1 if counted is Counted.FLAG else AMOUNT_MAX - 1

    def fees_in(self, buys: bool) -> Asset:
        """The asset that a buyer, or a seller, pays its fee in."""
        return self.base if buys and self.fee_asset is RECEIVED else self.quote

    def same_scale(self, other: "Instrument") -> bool:
        """Whether a tick, a lot, a minor unit and a fee mean the same under both rules."""
        return (
            *(self.base, self.quote, self.tick, self.price_decimals, self.lot, self.quantity_decimals),
            self.fee_asset,
        ) == (
            other.base,
            other.quote,
            other.tick,
            other.price_decimals,
            other.lot,
            other.quantity_decimals,
            other.fee_asset,
        )

    @staticmethod
    def _steps(text: str, decimals: int, step: int) -> int:
        number = parse_scaled(text, decimals)
        if number % step:
            raise OffGrid(text)
        return number // step


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


def fees_ppm(maker_fee: str, taker_fee: str, fee_asset: FeeAsset) -> tuple[int, int]:
    """Both rates, in ppm. Raises InvalidInstrument.

    A rebate comes out of the taker's fee, so it must be in the same asset and no more than that.
    """
    taker_ppm = _fee_ppm("taker_fee", taker_fee)
    if not maker_fee.startswith("-"):
        return _fee_ppm("maker_fee", maker_fee), taker_ppm
    rebate_ppm = _fee_ppm("maker_fee", maker_fee[1:])
    if rebate_ppm > taker_ppm:
        raise InvalidInstrument(f"taker_fee {taker_fee} does not cover the rebate of maker_fee {maker_fee}")
    if rebate_ppm and fee_asset is not FeeAsset.QUOTE:
        raise InvalidInstrument(f'maker_fee {maker_fee} is a rebate, which needs fee_asset = "quote"')
    return -rebate_ppm, taker_ppm


def least_received_minor(fee_ppm: int) -> int:
    """The least amount that leaves something after a fee of that rate; the rate is less than PPM."""
    return div_ceil(PPM, PPM - fee_ppm) if fee_ppm > 0 else 1


def _check_leaves_something(rules: "Instrument", lot_size: str) -> "Instrument":
    """The rules, with the min_price that was set, raised to where a fill of one lot leaves any seller something.

    Raises InvalidInstrument where no price does, or where a fill of one lot would leave the buyer nothing.
    """
    fee_ppm = highest_fee_ppm(rules)
    if fee_ppm == PPM:
        raise InvalidInstrument("a fee of 1 takes everything, so a fill would leave its receiver nothing")
    least_minor = least_received_minor(fee_ppm)
    if rules.fee_asset is FeeAsset.RECEIVED and rules.lot_minor < least_minor:
        raise InvalidInstrument(
            f"lot_size {lot_size} is too small for the fees: a fill of one lot would leave the buyer nothing"
        )
    least_ticks = div_ceil(least_minor, rules.notional_unit)
    if rules.set_min_price_ticks == 0:
        if least_ticks > 1:
            raise InvalidInstrument(
                f"min_price 0 needs a larger tick_size or lot_size: below {rules.price_text(least_ticks)} the fees "
                "would leave the seller of one lot nothing"
            )
        least_ticks = 0
    return replace(rules, min_price_ticks=max(rules.set_min_price_ticks, least_ticks))


def highest_fee_ppm(rules: "Instrument") -> int:
    """The highest rate that anybody can pay in the market."""
    highest_ppm = max(rules.maker_fee_ppm, rules.taker_fee_ppm)
    for tier in rules.tiers:
        highest_ppm = max(highest_ppm, tier.maker_ppm, tier.taker_ppm)
    return highest_ppm


def with_tiers(rules: "Instrument", tiers: tuple[TierFees, ...]) -> "Instrument":
    """The rules with these fee tiers, and the least price that they need. Raises InvalidInstrument."""
    rules = replace(rules, tiers=tiers)
    return rules if rules.fills_may_leave_nothing else _check_leaves_something(rules, rules.quantity_text(1))


def _min_notional_minor(quote: Asset, text: str) -> int:
    try:
        amount_minor = quote.minor(text)
    except ValueError:
        raise InvalidInstrument(f"min_notional {text!r} is not an amount of {quote.symbol}") from None
    if amount_minor >= AMOUNT_MAX:
        raise InvalidInstrument(f"min_notional {text} is more than any order can be worth")
    return amount_minor


def _notional_unit(quote: Asset, tick_lot: int, scale: int, what: str) -> int:
    notional_unit, off = divmod(tick_lot * int(10 ** max(scale, 0)), int(10 ** max(-scale, 0)))
    if off:
        raise InvalidInstrument(f"{what} is no whole number of {quote.symbol}'s minor units")
    return notional_unit


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
    fee_asset: FeeAsset = FeeAsset.RECEIVED,
    min_price: str | None = None,
    max_fills_per_order: int = FILLS_MAX,
    min_notional_applies_to_market: bool = False,
    avg_price_mins: int = 5,
    fills_may_leave_nothing: bool = False,
    self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER,
    self_trade_modes: int = ALL_MODES,
) -> Instrument:
    """The instrument that these rules describe.

    Sizes, `min_notional` and `min_price` (None: one tick) are decimal text; fees are fractions of what is received, or
    of the quote (`"0.001"` is 0.1 %). `min_price` is raised to where the fees leave something of one lot.
    Raises InvalidInstrument when the rules contradict each other.
    """
    tick, price_decimals = _step("tick_size", tick_size)
    lot, quantity_decimals = _step("lot_size", lot_size)
    if quantity_decimals > base.decimals:
        raise InvalidInstrument(f"lot_size {lot_size} is finer than {base.symbol} with its {base.decimals} decimals")
    scale = quote.decimals - price_decimals - quantity_decimals
    notional_unit = _notional_unit(quote, tick * lot, scale, f"tick_size {tick_size} times lot_size {lot_size}")
    maker_fee_ppm, taker_fee_ppm = fees_ppm(maker_fee, taker_fee, fee_asset)
    rules = Instrument(
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
        maker_fee_ppm=maker_fee_ppm,
        taker_fee_ppm=taker_fee_ppm,
        max_open_orders=max_open_orders,
        status=status,
        fee_asset=fee_asset,
        min_price_ticks=1,
        max_fills_per_order=max_fills_per_order,
        min_notional_applies_to_market=min_notional_applies_to_market,
        avg_price_mins=avg_price_mins,
        fills_may_leave_nothing=fills_may_leave_nothing,
        self_trade=self_trade,
        self_trade_modes=self_trade_modes,
    )
    return _checked(rules, min_price, lot_size)


def _checked(rules: Instrument, min_price: str | None, lot_size: str) -> Instrument:
    """The rules with their least price. Raises InvalidInstrument."""
    if rules.base.symbol == rules.quote.symbol:
        raise InvalidInstrument(f"{rules.base.symbol} cannot trade against itself")
    if not rules.self_trade_modes >> rules.self_trade & 1:
        raise InvalidInstrument("self_trade_prevention is none of allowed_self_trade_prevention")
    if min_price is not None:
        price_ticks = _min_price_ticks(rules, min_price)
        rules = replace(rules, min_price_ticks=price_ticks, set_min_price_ticks=price_ticks)
    return rules if rules.fills_may_leave_nothing else _check_leaves_something(rules, lot_size)


def _min_price_ticks(rules: Instrument, text: str) -> int:
    try:
        price_ticks = rules.ticks(text)
    except ValueError:
        raise InvalidInstrument(f"min_price {text!r} is not a multiple of tick_size {rules.price_text(1)}") from None
    if price_ticks >= UNITS_MAX:
        raise InvalidInstrument(f"min_price {text} is more than any price can be")
    return price_ticks
