"""The rules of a market as a call gives them: which ones, and whether they are well formed."""

import re
from collections.abc import Mapping
from typing import Any

from exchange.api.native.errors import ApiError
from exchange.api.native.fields import choice
from exchange.api.native.market_filters import GivenFilters
from exchange.api.native.models import AssetRequest, MarketRequest
from exchange.api.native.names import FEE_ASSETS, MARKET_STATUSES, SELF_TRADE_MODES
from exchange.core.filters import FILTERS
from exchange.core.instrument import Asset, Instrument
from exchange.service.market_rules import ASSET_RULE, NAMES, split, valid_asset

DIGITS_MAX = 60  # of a size, a fee or an amount
_NUMBER = re.compile(rf"(?=.{{1,{DIGITS_MAX}}}$)[0-9]+(\.[0-9]+)?", re.ASCII)
_NUMBERS = ("tick_size", "lot_size", "min_notional", "taker_fee", "min_price")
_CHOICES: dict[str, dict[str, Any]] = {
    "status": MARKET_STATUSES,
    "fee_asset": FEE_ASSETS,
    "self_trade_prevention": SELF_TRADE_MODES,
}


def asset_of(request: AssetRequest) -> Asset:
    """The asset that is asked for. Raises ApiError."""
    asset = Asset(request.asset, request.decimals)
    if not valid_asset(asset):
        raise ApiError("INVALID_FIELD", f"asset {ASSET_RULE}.")
    return asset


def given_rules(request: MarketRequest, before: Instrument | None, assets: Mapping[str, Asset]) -> dict[str, object]:
    """The rules that the request names, in the words of MarketRules. Raises ApiError."""
    names = split(request.market)
    if before is None and (names is None or names[0] == names[1]):
        raise ApiError("INVALID_FIELD", "market must be BASE_QUOTE, two different assets.")
    _check_fixed(request, before, assets)
    given = {name: getattr(request, name) for name in NAMES if getattr(request, name, None) is not None}
    if before is None and not {"tick_size", "lot_size"} <= given.keys():
        raise ApiError("INVALID_FIELD", f"tick_size and lot_size are missing: there is no market {request.market}.")
    for name in (*_NUMBERS, "maker_fee"):
        if name in given:
            decimal_of(name, given[name], may_be_negative=name == "maker_fee")
    for name, choices in _CHOICES.items():
        if name in given:
            choice(name, given[name], choices)
            given[name] = given[name].lower()
    if "allowed_self_trade_prevention" in given:
        modes = given["allowed_self_trade_prevention"]
        for mode in modes:
            choice("allowed_self_trade_prevention", mode, SELF_TRADE_MODES)
        given["allowed_self_trade_prevention"] = tuple(mode.lower() for mode in modes)
    if request.filters is not None:
        given["filters"] = _given_filters(request.filters)
    return given


def _given_filters(filters: GivenFilters) -> dict[str, Any]:
    given = {name: getattr(filters, name) for name in FILTERS if getattr(filters, name) is not None}
    for name, value in given.items():
        if isinstance(value, str) and not _NUMBER.fullmatch(value):
            raise ApiError("INVALID_NUMBER", f"{name} must be a plain decimal number.")
    return given


def decimal_of(name: str, text: str, *, may_be_negative: bool = False) -> str:
    """The text, if it is a decimal number. Raises ApiError."""
    if may_be_negative and not _NUMBER.fullmatch(text.removeprefix("-")):
        raise ApiError("INVALID_NUMBER", f"{name} must be a plain decimal number, or one with - before it.")
    if not may_be_negative and not _NUMBER.fullmatch(text):
        raise ApiError("INVALID_NUMBER", f"{name} must be a plain decimal number.")
    return text


def _check_fixed(request: MarketRequest, before: Instrument | None, assets: Mapping[str, Asset]) -> None:
    """The assets and their decimals may be given, as GET /markets shows them; they follow from the name."""
    symbols = (before.base.symbol, before.quote.symbol) if before is not None else split(request.market) or ("", "")
    given = (("base", request.base, request.base_decimals), ("quote", request.quote, request.quote_decimals))
    for symbol, (name, named, decimals) in zip(symbols, given, strict=True):
        if named not in (None, symbol):
            if before is not None:
                raise ApiError("RULE_FIXED", f"{before.symbol} exists; {name} of a market cannot change.")
            raise ApiError("INVALID_FIELD", f"{name} must be {symbol}, as in market.")
        asset = assets.get(symbol)
        if asset is not None and decimals not in (None, asset.decimals):
            raise ApiError("RULE_FIXED", f"{symbol} has {asset.decimals} decimals, which cannot change.")
