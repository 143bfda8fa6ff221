"""Assets and markets while the venue runs: why one is not added or changed, and what the audit keeps of a change.

What gives a number its meaning never changes: the decimals of an asset, and of a market its assets, tick, lot and the
asset of its fees. Every other rule may change at any time, and counts for orders that enter from then on. An open order
stays as it is, whether or not it would still be accepted: its price, its quantity and the fees fixed in it.
"""

from collections.abc import Mapping
from typing import Final

from exchange.core.events import Rejected, RejectReason
from exchange.core.filters import texts
from exchange.core.instrument import Asset, Instrument, decimal_text

ASSETS_MAX: Final = 1000
MARKETS_MAX: Final = 1000  # each has a task and a queue of its own


def refusal_of_asset(assets: Mapping[str, Asset], asset: Asset) -> Rejected | None:
    """Why an asset that is not there as it is may not be added."""
    known = assets.get(asset.symbol)
    if known is not None:
        return _fixed(f"{asset.symbol} has {known.decimals} decimals, which cannot change.")
    if len(assets) >= ASSETS_MAX:
        return Rejected(RejectReason.TOO_MANY_MARKETS, f"The exchange has {ASSETS_MAX} assets, as many as it may have.")
    return None


def refusal_of_market(
    assets: Mapping[str, Asset], markets: Mapping[str, Instrument], rules: Instrument
) -> Rejected | None:
    """Why a market may not be opened with these rules, or an open one not have them."""
    for asset in (rules.base, rules.quote):
        known = assets.get(asset.symbol)
        if known is None:
            return Rejected(RejectReason.UNKNOWN_ASSET, f"There is no asset {asset.symbol}.")
        if known != asset:
            return _fixed(f"{asset.symbol} has {known.decimals} decimals, which cannot change.")
    before = markets.get(rules.symbol)
    if before is not None:
        changed = [name for name, value in fixed_rules(rules).items() if fixed_rules(before)[name] != value]
        if changed:
            return _fixed(f"{rules.symbol} exists; {', '.join(changed)} of a market cannot change.")
        return None
    if len(markets) >= MARKETS_MAX:
        return Rejected(
            RejectReason.TOO_MANY_MARKETS, f"The exchange has {MARKETS_MAX} markets, as many as it may have."
        )
    other = same_name(markets, rules.symbol)
    if other is not None:
        detail = f"Without its _ the name {rules.symbol} is that of {other}."
        return Rejected(RejectReason.MARKET_NAME_TAKEN, detail)
    return None


def same_name(markets: Mapping[str, object], symbol: str) -> str | None:
    """Another market of the same name but for where the `_` is: some APIs write names without it."""
    bare = symbol.replace("_", "")
    return next((other for other in markets if other != symbol and other.replace("_", "") == bare), None)


def fixed_rules(rules: Instrument) -> dict[str, object]:
    """The rules that never change in a market, by name, as text."""
    return {
        "base": rules.base.symbol,
        "quote": rules.quote.symbol,
        "base_decimals": rules.base.decimals,
        "quote_decimals": rules.quote.decimals,
        "tick_size": rules.price_text(1),
        "lot_size": rules.quantity_text(1),
        "fee_asset": rules.fee_asset.name.lower(),
    }


def differing_rules(before: Instrument | None, after: Instrument) -> dict[str, str]:
    """The rules that differ from those before, by name, as text; all of them if there were none. A filter that is there
    no more is `none`."""
    old, new = {} if before is None else _rules(before), _rules(after)
    differing = {name: text for name, text in new.items() if old.get(name) != text}
    return differing | {name: "none" for name in old if name not in new}


def _rules(rules: Instrument) -> dict[str, str]:
    return {name: str(value) for name, value in fixed_rules(rules).items()} | {
        "min_notional": rules.quote.text(rules.min_notional_minor),
        "maker_fee": decimal_text(rules.maker_fee_ppm, 6),
        "taker_fee": decimal_text(rules.taker_fee_ppm, 6),
        "max_open_orders": str(rules.max_open_orders),
        "status": rules.status.name.lower(),
        "min_price": rules.price_text(rules.min_price_ticks),
        "set_min_price": rules.price_text(rules.set_min_price_ticks),
        "max_fills_per_order": str(rules.max_fills_per_order),
        "min_notional_applies_to_market": str(rules.min_notional_applies_to_market).lower(),
        "avg_price_mins": str(rules.avg_price_mins),
        "self_trade_prevention": rules.self_trade.name.lower(),
        "allowed_self_trade_prevention": str(rules.self_trade_modes),
        "fee_tiers": " ".join(
            f"{of.tier}:{decimal_text(of.maker_ppm, 6)}/{decimal_text(of.taker_ppm, 6)}" for of in rules.tiers
        )
        or "none",
        **{name: str(text).lower() for name, text in texts(rules).items() if text},
    }


def audit_detail(symbol: str, before: Instrument | None, after: Instrument) -> str:
    """The market, and its rules that changed."""
    return " ".join((symbol, *(f"{name} {text}" for name, text in differing_rules(before, after).items())))


def _fixed(detail: str) -> Rejected:
    return Rejected(RejectReason.RULE_FIXED, detail)
