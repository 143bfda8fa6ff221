"""The rules of a market as somebody writes them, in a configuration or in a call, made into an instrument."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Final, NoReturn

from exchange.core.conditions import SelfTrade
from exchange.core.filters import FILTERS, Filters, Text, changed, texts
from exchange.core.instrument import (
    AMOUNT_MAX,
    AVG_PRICE_MINS_MAX,
    COUNT_MAX,
    DECIMALS_MAX,
    FILLS_MAX,
    Asset,
    FeeAsset,
    Instrument,
    InvalidInstrument,
    MarketStatus,
    decimal_text,
    instrument_of,
)

ASSET_SYMBOL: Final = re.compile("[A-Za-z0-9]{1,16}")
ASSET_RULE: Final = f"must be 1 to 16 letters and digits, with 0 to {DECIMALS_MAX} decimals"
ALL_MODES: Final = tuple(mode.name.lower() for mode in SelfTrade)


@dataclass(slots=True)
class MarketRules:
    """Rules as text, with names in lower case; fees are fractions of what is received, or of the quote.

    With an empty `min_price` it is one tick, with an empty `status` a new market trades.
    """

    symbol: str
    tick_size: str = ""
    lot_size: str = ""
    min_notional: str = "0"
    maker_fee: str = "0"
    taker_fee: str = "0"
    max_open_orders: int = 1000
    status: str = ""
    fee_asset: str = "received"
    min_price: str = ""
    max_fills_per_order: int = FILLS_MAX
    min_notional_applies_to_market: bool = False
    avg_price_mins: int = 5
    self_trade_prevention: str = "expire_taker"
    allowed_self_trade_prevention: tuple[str, ...] = field(default=ALL_MODES)
    filters: dict[str, Text] = field(default_factory=dict)  # by name; 0 is no bound


NAMES: Final = tuple(rule.name for rule in fields(MarketRules))


def valid_asset(asset: Asset) -> bool:
    """Whether an asset may have that symbol and those decimals."""
    return ASSET_SYMBOL.fullmatch(asset.symbol) is not None and 0 <= asset.decimals <= DECIMALS_MAX


def split(symbol: str) -> tuple[str, str] | None:
    """The symbols of the base and the quote of a market, which its name is made of."""
    base, _, quote = symbol.partition("_")
    return (base, quote) if ASSET_SYMBOL.fullmatch(base) and ASSET_SYMBOL.fullmatch(quote) else None


def rules_of(instrument: Instrument) -> MarketRules:
    """The rules that a market has."""
    return MarketRules(
        symbol=instrument.symbol,
        tick_size=instrument.price_text(1),
        lot_size=instrument.quantity_text(1),
        min_notional=instrument.quote.text(instrument.min_notional_minor),
        maker_fee=decimal_text(instrument.maker_fee_ppm, 6),
        taker_fee=decimal_text(instrument.taker_fee_ppm, 6),
        max_open_orders=instrument.max_open_orders,
        status=instrument.status.name.lower(),
        fee_asset=instrument.fee_asset.name.lower(),
        min_price=instrument.price_text(instrument.set_min_price_ticks),
        max_fills_per_order=instrument.max_fills_per_order,
        min_notional_applies_to_market=instrument.min_notional_applies_to_market,
        avg_price_mins=instrument.avg_price_mins,
        self_trade_prevention=instrument.self_trade.name.lower(),
        allowed_self_trade_prevention=tuple(
            mode.name.lower() for mode in SelfTrade if instrument.self_trade_modes >> mode & 1
        ),
        filters={name: text for name, text in texts(instrument).items() if text is not None},
    )


def changes_fixed(before: Instrument, rules: MarketRules) -> list[str]:
    """The rules that differ from those of the market and never change in one. Sizes are plain decimal text."""
    sizes = {"tick_size": before.price_text(1), "lot_size": before.quantity_text(1)}
    changed = [name for name, text in sizes.items() if Fraction(text) != Fraction(getattr(rules, name))]
    return changed + (["fee_asset"] if rules.fee_asset != before.fee_asset.name.lower() else [])


def instrument_from(rules: MarketRules, base: Asset, quote: Asset, before: Instrument | None) -> Instrument:
    """The instrument of these rules; `before` is the one that the market has. Raises InvalidInstrument."""
    for name, number, least, most in (
        ("max_open_orders", rules.max_open_orders, 1, COUNT_MAX),
        ("max_fills_per_order", rules.max_fills_per_order, 1, COUNT_MAX),
        ("avg_price_mins", rules.avg_price_mins, 0, AVG_PRICE_MINS_MAX),
    ):
        if not least <= number <= most:
            raise InvalidInstrument(f"{name} = {number} must be {least} to {most}")
    try:
        instrument = _made(rules, base, quote, may_leave_nothing=False)
    except InvalidInstrument as error:
        # A market of an earlier version may go on with fees that leave nothing of a fill.
        if before is None or not before.fills_may_leave_nothing:
            raise
        instrument = _made_as_before(rules, base, quote, error)
    instrument = replace(instrument, filters=_filters(instrument, rules.filters))
    if max(instrument.min_notional_minor, instrument.lot_minor, instrument.notional_unit) >= AMOUNT_MAX:
        raise InvalidInstrument("tick_size, lot_size or min_notional is too large")
    return instrument


def _filters(instrument: Instrument, given: Mapping[str, Text]) -> Filters | None:
    unknown = [name for name in given if name not in FILTERS]
    if unknown:
        raise InvalidInstrument(f"filters has no {unknown[0][:40]}; known are {', '.join(FILTERS)}")
    try:
        return changed(instrument, given)
    except ValueError as error:
        raise InvalidInstrument(str(error)) from None


def _made_as_before(rules: MarketRules, base: Asset, quote: Asset, error: InvalidInstrument) -> Instrument:
    try:
        return _made(rules, base, quote, may_leave_nothing=True)
    except InvalidInstrument:
        raise error from None


def _made(rules: MarketRules, base: Asset, quote: Asset, *, may_leave_nothing: bool) -> Instrument:
    modes = [_mode(name) for name in rules.allowed_self_trade_prevention]
    return instrument_of(
        rules.symbol,
        base,
        quote,
        tick_size=rules.tick_size,
        lot_size=rules.lot_size,
        min_notional=rules.min_notional,
        maker_fee=rules.maker_fee,
        taker_fee=rules.taker_fee,
        max_open_orders=rules.max_open_orders,
        status=_status(rules.status or "trading"),
        fee_asset=_fee_asset(rules.fee_asset),
        min_price=rules.min_price or None,
        max_fills_per_order=rules.max_fills_per_order,
        min_notional_applies_to_market=rules.min_notional_applies_to_market,
        avg_price_mins=rules.avg_price_mins,
        fills_may_leave_nothing=may_leave_nothing,
        self_trade=_mode(rules.self_trade_prevention),
        self_trade_modes=sum({1 << mode for mode in modes}),
    )


def _status(name: str) -> MarketStatus:
    found = {status.name.lower(): status for status in MarketStatus}.get(name)
    return _none_of("status", name, MarketStatus) if found is None else found


def _fee_asset(name: str) -> FeeAsset:
    found = {paid_in.name.lower(): paid_in for paid_in in FeeAsset}.get(name)
    return _none_of("fee_asset", name, FeeAsset) if found is None else found


def _mode(name: str) -> SelfTrade:
    found = {mode.name.lower(): mode for mode in SelfTrade}.get(name)
    return _none_of("self_trade_prevention", name, SelfTrade) if found is None else found


def _none_of(rule: str, name: str, known: type[MarketStatus | FeeAsset | SelfTrade]) -> NoReturn:
    names = ", ".join(member.name.lower() for member in known)
    raise InvalidInstrument(f"{rule} {name[:40]!r} is none of {names}")
