"""The filters of a market: bounds on its orders, none of which a market needs. Numbers, so that one text stores them.

0 is no bound. `texts` and `changed` are the one place that knows their names and what each is counted in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from exchange.core.instrument import Instrument

BPS_MAX: Final = 9_999  # of a trailing distance
RATIO_DECIMALS: Final = 6  # of a multiplier
ONE: Final = 10**RATIO_DECIMALS
RATIO_MAX: Final = 10_000 * ONE
NUMBER_MAX: Final = 2**31 - 1


class Counted(IntEnum):
    """What a filter is counted in."""

    TICKS = 0
    LOTS = 1
    BASE = 2
    QUOTE = 3
    RATIO = 4
    NUMBER = 5
    FLAG = 6


@dataclass(frozen=True, slots=True)
class Filters:
    """Bounds on the orders of a market, each 0 where there is none.

    The four multipliers bound the price of an order by the average price, for buys and for sells. `fill_band` is how
    far from the best price at entry an order may fill, as a fraction of that price: a market order, and with the flag
    any other. A trailing order that waits for a higher price has the trailing bounds `above`. `max_position` is what a
    user may have of the base with all open buys and this one; the last two are what one order may move.
    """

    max_price_ticks: int = 0
    min_quantity_lots: int = 0
    max_quantity_lots: int = 0
    market_min_quantity_lots: int = 0
    market_max_quantity_lots: int = 0
    max_notional_minor: int = 0
    max_notional_applies_to_market: int = 0
    bid_multiplier_up: int = 0
    bid_multiplier_down: int = 0
    ask_multiplier_up: int = 0
    ask_multiplier_down: int = 0
    fill_band: int = 0
    fill_band_applies_to_limit: int = 0
    max_open_stops: int = 0
    max_open_icebergs: int = 0
    max_open_lists: int = 0
    max_iceberg_parts: int = 0
    min_trailing_above_bps: int = 0
    max_trailing_above_bps: int = 0
    min_trailing_below_bps: int = 0
    max_trailing_below_bps: int = 0
    max_amends_per_order: int = 0
    max_position_minor: int = 0
    max_base_minor: int = 0
    max_quote_minor: int = 0


# By its name: the field, and what it is counted in.
FILTERS: Final[dict[str, tuple[str, Counted]]] = {
    "max_price": ("max_price_ticks", Counted.TICKS),
    "min_quantity": ("min_quantity_lots", Counted.LOTS),
    "max_quantity": ("max_quantity_lots", Counted.LOTS),
    "market_min_quantity": ("market_min_quantity_lots", Counted.LOTS),
    "market_max_quantity": ("market_max_quantity_lots", Counted.LOTS),
    "max_notional": ("max_notional_minor", Counted.QUOTE),
    "max_notional_applies_to_market": ("max_notional_applies_to_market", Counted.FLAG),
    "bid_multiplier_up": ("bid_multiplier_up", Counted.RATIO),
    "bid_multiplier_down": ("bid_multiplier_down", Counted.RATIO),
    "ask_multiplier_up": ("ask_multiplier_up", Counted.RATIO),
    "ask_multiplier_down": ("ask_multiplier_down", Counted.RATIO),
    "fill_band": ("fill_band", Counted.RATIO),
    "fill_band_applies_to_limit": ("fill_band_applies_to_limit", Counted.FLAG),
    "max_open_stops": ("max_open_stops", Counted.NUMBER),
    "max_open_icebergs": ("max_open_icebergs", Counted.NUMBER),
    "max_open_lists": ("max_open_lists", Counted.NUMBER),
    "max_iceberg_parts": ("max_iceberg_parts", Counted.NUMBER),
    "min_trailing_above_bps": ("min_trailing_above_bps", Counted.NUMBER),
    "max_trailing_above_bps": ("max_trailing_above_bps", Counted.NUMBER),
    "min_trailing_below_bps": ("min_trailing_below_bps", Counted.NUMBER),
    "max_trailing_below_bps": ("max_trailing_below_bps", Counted.NUMBER),
    "max_amends_per_order": ("max_amends_per_order", Counted.NUMBER),
    "max_position": ("max_position_minor", Counted.BASE),
    "max_base": ("max_base_minor", Counted.BASE),
    "max_quote": ("max_quote_minor", Counted.QUOTE),
}
NO_FILTERS: Final = Filters()
Text = str | int | bool
PAIRS: Final = (
    ("min_quantity_lots", "max_quantity_lots"),
    ("market_min_quantity_lots", "market_max_quantity_lots"),
    ("bid_multiplier_down", "bid_multiplier_up"),
    ("ask_multiplier_down", "ask_multiplier_up"),
    ("min_trailing_above_bps", "max_trailing_above_bps"),
    ("min_trailing_below_bps", "max_trailing_below_bps"),
)
NAMES: Final = {field: name for name, (field, _) in FILTERS.items()}


def texts(rules: "Instrument") -> dict[str, Text | None]:
    """Every filter by name: a number as text, a count or a flag; None where there is no bound."""
    found: dict[str, Text | None] = {}
    for name, (field, counted) in FILTERS.items():
        number = 0 if rules.filters is None else getattr(rules.filters, field)
        found[name] = bool(number) if counted is Counted.FLAG else _text(rules, number, counted) if number else None
    return found


def _text(rules: "Instrument", number: int, counted: Counted) -> Text:
    if counted is Counted.TICKS:
        return rules.price_text(number)
    if counted is Counted.LOTS:
        return rules.quantity_text(number)
    if counted is Counted.BASE:
        return rules.base.text(number)
    if counted is Counted.QUOTE:
        return rules.quote.text(number)
    return rules.ratio_text(number) if counted is Counted.RATIO else number


def changed(rules: "Instrument", given: Mapping[str, Text]) -> Filters | None:
    """The filters of a market with some given anew, by name; 0 is no bound. Raises ValueError with what is wrong."""
    numbers: dict[str, int] = {}
    for name, text in given.items():
        field, counted = FILTERS[name]
        try:
            numbers[field] = _number(rules, text, counted)
        except ValueError:
            raise ValueError(f"{name} {text!r} is not what {rules.symbol} counts it in") from None
    filters = replace(rules.filters or NO_FILTERS, **numbers)
    check(filters, rules)
    return None if filters == NO_FILTERS else filters


def _number(rules: "Instrument", text: Text, counted: Counted) -> int:
    if isinstance(text, int):
        return int(text)
    if counted is Counted.TICKS:
        return rules.ticks(text)
    if counted is Counted.LOTS:
        return rules.lots(text)
    if counted is Counted.BASE:
        return rules.base.minor(text)
    if counted is Counted.QUOTE:
        return rules.quote.minor(text)
    return rules.ratio(text)


def check(filters: Filters, rules: "Instrument") -> None:
    """Raise ValueError where bounds contradict each other, or are out of range."""
    for name, (field, counted) in FILTERS.items():
        number = getattr(filters, field)
        number_max = rules.most(counted)
        if not 0 <= number <= number_max:
            raise ValueError(f"{name} = {number} must be 0 to {number_max}")
    for least, most in PAIRS:
        if getattr(filters, most) and getattr(filters, least) > getattr(filters, most):
            raise ValueError(f"{NAMES[least]} is more than {NAMES[most]}")
    if filters.max_price_ticks and filters.max_price_ticks < rules.min_price_ticks:
        raise ValueError("min_price is more than max_price")
    if filters.max_notional_minor and filters.max_notional_minor < rules.min_notional_minor:
        raise ValueError("min_notional is more than max_notional")
    if filters.fill_band >= ONE:
        raise ValueError("fill_band must be less than 1")


def filters_text(filters: Filters | None) -> str | None:
    """The text that stores them; None for none."""
    if filters is None:
        return None
    numbers = ((field.name, getattr(filters, field.name)) for field in fields(Filters))
    return " ".join(f"{name}:{number}" for name, number in numbers if number)


def filters_from(text: str | None) -> Filters | None:
    """The filters of a text."""
    if not text:
        return None
    return Filters(**{name: int(number) for name, _, number in (part.partition(":") for part in text.split())})
