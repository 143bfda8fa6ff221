"""The commands that create and change what the configuration has and the venue does not have yet."""

import re
from collections.abc import Iterator
from dataclasses import replace

import structlog

from exchange.config import Config, FiltersConfig, MarketConfig
from exchange.core.commands import AddAsset, AddUser, Command, Deposit, SetMarket
from exchange.core.instrument import AMOUNT_MAX, Asset, Instrument, InvalidInstrument, with_tiers
from exchange.core.listing import differing_rules, same_name
from exchange.core.market import Market
from exchange.core.treasury import SEED_PREFIX
from exchange.core.venue import Venue
from exchange.core.venue_filters import VENUE_FILTERS, SetVenueFilters, differing_filters, venue_filters_with
from exchange.failure import Failure
from exchange.runtime import faucet
from exchange.service.market_rules import ASSET_RULE, NAMES, MarketRules, instrument_from, split, valid_asset

_USER_ID = re.compile("[A-Za-z0-9._-]{1,64}")
SEED_KEY = SEED_PREFIX + "{user_id}:{asset}"

log = structlog.get_logger(__name__)


def differences(config: Config, venue: Venue) -> list[Command]:
    """The commands that bring the venue to what the configuration says. Raises Failure where that is impossible.

    The whole configuration is checked before any command is carried out, so that an invalid entry changes nothing.
    Users are credited once: a balance that changes in the configuration later has no effect. Nor have the rules of a
    market that a call has set.
    """
    return list(_differences(config, venue))


def _differences(config: Config, venue: Venue) -> Iterator[Command]:
    assets = dict(venue.assets)
    for entry in config.assets:
        asset = Asset(entry.symbol, entry.decimals)
        if not valid_asset(asset):
            raise Failure(f"[[assets]] {entry.symbol!r} {ASSET_RULE}.", 2)
        if assets.setdefault(asset.symbol, asset) != asset:
            raise Failure(f"[[assets]] {entry.symbol}: the decimals of an existing asset cannot change.", 2)
        if asset.symbol not in venue.assets:
            yield AddAsset(asset)
    faucet.amounts_minor(config, assets)
    names: dict[str, object] = dict.fromkeys(venue.markets)
    for market_entry in config.markets:
        market = venue.markets.get(market_entry.symbol)
        instrument = _instrument(market_entry, assets, market.instrument if market is not None else None)
        if market is not None:
            yield from _changes(market_entry, market, instrument)
            continue
        if other := same_name(names, instrument.symbol):
            raise Failure(f"[[markets]] {instrument.symbol}: without its _ the name is that of {other}.", 2)
        names[instrument.symbol] = None
        yield SetMarket(instrument)
    yield from _filters(config.filters, venue)
    for user in config.users:
        yield from _user(user.id, user.balances, venue, assets)


def _filters(entry: FiltersConfig, venue: Venue) -> Iterator[Command]:
    """What a configuration changes of the filters of the whole exchange: nothing once a call has set them."""
    before = venue.everywhere.filters
    try:
        wanted = venue_filters_with(before, {name: getattr(entry, name) for name in VENUE_FILTERS})
    except ValueError as error:
        raise Failure(f"[filters] {error}.", 2) from error
    differing = differing_filters(before, wanted)
    if not differing:
        return
    if venue.everywhere.by_call:
        log.warning(
            "the configuration differs from the filters of the exchange, which a call has set: it does not count",
            **{name: f"{getattr(before, name) or 'none'}, configured {text}" for name, text in differing.items()},
        )
        return
    log.info("the configuration changes the filters of the exchange", **differing)
    yield SetVenueFilters(wanted)


def _changes(entry: MarketConfig, market: Market, wanted: Instrument) -> Iterator[Command]:
    """What a configuration changes in a market that is there: nothing once a call has set its rules."""
    before = market.instrument
    if not entry.status:
        wanted = replace(wanted, status=before.status)
    if before.tiers:
        try:
            wanted = with_tiers(wanted, before.tiers)
        except InvalidInstrument as error:
            raise Failure(f"[[markets]] {entry.symbol}, with its fee tiers: {error}.", 2) from error
    differing = differing_rules(before, wanted)
    if not differing and wanted == before:
        return
    if market.by_call:
        known = differing_rules(None, before)
        log.warning(
            "the configuration differs from the market, whose rules a call has set: the configuration does not count",
            market=before.symbol,
            **{name: f"{known.get(name, 'none')}, configured {text}" for name, text in differing.items()},
        )
        return
    if not before.same_scale(wanted):
        raise Failure(
            f"[[markets]] {wanted.symbol}: tick_size, lot_size and fee_asset of an existing market cannot change.", 2
        )
    log.info("the configuration changes a market", market=before.symbol, **differing)
    yield SetMarket(wanted)


def _instrument(entry: MarketConfig, assets: dict[str, Asset], before: Instrument | None) -> Instrument:
    base, quote = split(entry.symbol) or ("", "")
    if base not in assets or quote not in assets or base == quote:
        raise Failure(f"[[markets]] {entry.symbol!r} must be BASE_QUOTE, two different configured assets.", 2)
    rules = MarketRules(**{name: getattr(entry, name) for name in NAMES})
    try:
        return instrument_from(rules, assets[base], assets[quote], before)
    except InvalidInstrument as error:
        raise Failure(f"[[markets]] {entry.symbol}: {error}.", 2) from error


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
        if amount_minor and not venue.has_key(key):
            yield Deposit(user_id, symbol, amount_minor, key)
