"""The commands that create and change what the configuration has and the venue does not have yet."""

import re
from collections.abc import Iterator
from dataclasses import replace

from exchange.config import Config, MarketConfig
from exchange.core.commands import AddAsset, AddUser, Command, Deposit, SetMarket
from exchange.core.conditions import SelfTrade
from exchange.core.instrument import (
    AMOUNT_MAX,
    AVG_PRICE_MINS_MAX,
    COUNT_MAX,
    DECIMALS_MAX,
    Asset,
    FeeAsset,
    Instrument,
    InvalidInstrument,
    MarketStatus,
    instrument_of,
)
from exchange.core.venue import SEED_PREFIX, Venue
from exchange.failure import Failure

_SYMBOL = re.compile("[A-Za-z0-9]{1,16}")
_USER_ID = re.compile("[A-Za-z0-9._-]{1,64}")
SEED_KEY = SEED_PREFIX + "{user_id}:{asset}"


def differences(config: Config, venue: Venue) -> list[Command]:
    """The commands that bring the venue to what the configuration says. Raises Failure where that is impossible.

    The whole configuration is checked before any command is carried out, so that an invalid entry changes nothing.
    Users are credited once: a balance that changes in the configuration later has no effect.
    """
    return list(_differences(config, venue))


def _differences(config: Config, venue: Venue) -> Iterator[Command]:
    assets = dict(venue.assets)
    for entry in config.assets:
        asset = Asset(entry.symbol, entry.decimals)
        if not _SYMBOL.fullmatch(entry.symbol) or not 0 <= entry.decimals <= DECIMALS_MAX:
            raise Failure(
                f"[[assets]] {entry.symbol!r} must be 1 to 16 letters and digits, with 0 to {DECIMALS_MAX} decimals.", 2
            )
        if assets.setdefault(asset.symbol, asset) != asset:
            raise Failure(f"[[assets]] {entry.symbol}: the decimals of an existing asset cannot change.", 2)
        if asset.symbol not in venue.assets:
            yield AddAsset(asset)
    for market_entry in config.markets:
        market = venue.markets.get(market_entry.symbol)
        instrument = _instrument(market_entry, assets, market.instrument if market is not None else None)
        if market is None:
            yield SetMarket(instrument)
            continue
        if not market_entry.status:
            instrument = replace(instrument, status=market.instrument.status)
        if not market.instrument.same_scale(instrument):
            raise Failure(
                f"[[markets]] {instrument.symbol}: tick_size, lot_size and fee_asset of an existing market cannot "
                "change.",
                2,
            )
        if market.instrument != instrument:
            yield SetMarket(instrument)
    for user in config.users:
        yield from _user(user.id, user.balances, venue, assets)


def _instrument(entry: MarketConfig, assets: dict[str, Asset], before: Instrument | None) -> Instrument:
    base, _, quote = entry.symbol.partition("_")
    if base not in assets or quote not in assets or base == quote:
        raise Failure(f"[[markets]] {entry.symbol!r} must be BASE_QUOTE, two different configured assets.", 2)
    for name, number, least, most in (
        ("max_open_orders", entry.max_open_orders, 1, COUNT_MAX),
        ("max_fills_per_order", entry.max_fills_per_order, 1, COUNT_MAX),
        ("avg_price_mins", entry.avg_price_mins, 0, AVG_PRICE_MINS_MAX),
    ):
        if not least <= number <= most:
            raise Failure(f"[[markets]] {entry.symbol}: {name} = {number} must be {least} to {most}.", 2)
    try:
        instrument = _made(entry, assets[base], assets[quote], may_leave_nothing=False)
    except InvalidInstrument as error:
        if before is None or not before.fills_may_leave_nothing:
            raise Failure(f"[[markets]] {entry.symbol}: {error}.", 2) from error
        try:
            instrument = _made(entry, assets[base], assets[quote], may_leave_nothing=True)
        except InvalidInstrument:
            raise Failure(f"[[markets]] {entry.symbol}: {error}.", 2) from error
    if max(instrument.min_notional_minor, instrument.lot_minor, instrument.notional_unit) >= AMOUNT_MAX:
        raise Failure(f"[[markets]] {entry.symbol}: tick_size, lot_size or min_notional is too large.", 2)
    return instrument


def _made(entry: MarketConfig, base: Asset, quote: Asset, *, may_leave_nothing: bool) -> Instrument:
    return instrument_of(
        entry.symbol,
        base,
        quote,
        tick_size=entry.tick_size,
        lot_size=entry.lot_size,
        min_notional=entry.min_notional,
        maker_fee=entry.maker_fee,
        taker_fee=entry.taker_fee,
        max_open_orders=entry.max_open_orders,
        status=MarketStatus[entry.status.upper()] if entry.status else MarketStatus.TRADING,
        fee_asset=FeeAsset.QUOTE if entry.fee_asset == "quote" else FeeAsset.RECEIVED,
        min_price=entry.min_price or None,
        max_fills_per_order=entry.max_fills_per_order,
        min_notional_applies_to_market=entry.min_notional_applies_to_market,
        avg_price_mins=entry.avg_price_mins,
        fills_may_leave_nothing=may_leave_nothing,
        self_trade=SelfTrade[entry.self_trade_prevention.upper()],
        self_trade_modes=sum({1 << SelfTrade[name.upper()] for name in entry.allowed_self_trade_prevention}),
    )


def _user(user_id: str, balances: dict[str, str], venue: Venue, assets: dict[str, Asset]) -> Iterator[Command]:
    if not _USER_ID.fullmatch(user_id):
        raise Failure(f"[[users]] id {user_id!r} must be 1 to 64 characters of A-Z a-z 0-9 . _ -.", 2)
    if not venue.ledger.has_user(user_id):
        yield AddUser(user_id)
    for symbol, text in balances.items():
        key = SEED_KEY.format(user_id=user_id, asset=symbol)
        if symbol not in assets:
            raise Failure(f"[[users]] {user_id}: {symbol!r} is not a configured asset.", 2)
        try:
            amount_minor = assets[symbol].minor(text)
        except ValueError:
            amount_minor = AMOUNT_MAX
        if amount_minor >= AMOUNT_MAX:
            raise Failure(f"[[users]] {user_id}: {text!r} is not a valid amount of {symbol}.", 2)
        if amount_minor and not venue.has_deposit(key):
            yield Deposit(user_id, symbol, amount_minor, key)
