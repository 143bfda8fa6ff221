"""What the journal writes of a command, it reads back as that command; of every kind there is."""

from typing import get_args

import pytest

from exchange.core.administration import (
    ApiKey,
    CreateKey,
    CreateUser,
    KeyType,
    Origin,
    RevokeKey,
    SetTierFees,
    SetUserStatus,
    SetUserTier,
)
from exchange.core.amendments import AmendOrder
from exchange.core.commands import (
    AddAsset,
    AddUser,
    CancelAll,
    CancelList,
    CancelOrder,
    Command,
    Deposit,
    EndSocket,
    ExpireDue,
    ListType,
    OrderType,
    PassTime,
    PlaceList,
    PlaceOrder,
    ReplaceMode,
    ReplaceOrder,
    RunTriggered,
    SetMarket,
    SetMarketStatus,
    Side,
    TimeInForce,
)
from exchange.core.conditions import Conditions, SelfTrade
from exchange.core.instrument import Asset, FeeAsset, MarketStatus, instrument_of
from exchange.core.money import EndWithdrawal, RequestWithdrawal, ResetUser, TransferFunds
from exchange.core.outcome import Applied
from exchange.core.timers import CancelAllAfter, RunTimer
from exchange.core.venue import RULES_VERSION
from exchange.core.venue_filters import SetVenueFilters, VenueFilters
from exchange.pipeline.commits import Journaled
from exchange.store import journal

GEM, CASH = Asset("GEM", 0), Asset("CASH", 2)
MARKET = instrument_of(
    "GEM_CASH",
    GEM,
    CASH,
    tick_size="0.01",
    lot_size="1",
    min_notional="0.07",
    taker_fee="0.25",
    fills_may_leave_nothing=True,
)
ROOT = Origin("root", "10.0.0.7")
KEY = ApiKey("k1", "ann", KeyType.HMAC, "c2VhbGVk", ("read", "trade"), "bot", ("10.0.0.0/8", "::1"), 9, 5)
ENTRY = PlaceOrder("ann", "GEM_CASH", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, True, 5, 7, "entry")
PROFIT = PlaceOrder(
    *("ann", "GEM_CASH", Side.SELL, OrderType.TAKE_PROFIT, TimeInForce.IOC, False, None, 7, None),
    Conditions(SelfTrade.DECREMENT, stop_ticks=2**62),
)
COMMANDS: list[Command] = [
    PlaceOrder("ann", "GEM_CASH", Side.SELL, OrderType.LIMIT, TimeInForce.FOK, False, 2**63 - 1, 1, "name"),
    PlaceOrder("ann", "GEM_CASH", Side.BUY, OrderType.MARKET, TimeInForce.IOC, False, None, 7, None),
    CancelOrder("ann", "GEM_CASH", None, "name"),
    CancelOrder("ann", "GEM_CASH", 12, None),
    CancelOrder("ann", "GEM_CASH", 12, "name", True),
    CancelOrder("ann", "GEM_CASH", None, "name", False),
    PlaceOrder(
        *("ann", "GEM_CASH", Side.BUY, OrderType.MARKET, TimeInForce.IOC, False, None, 0, None),
        Conditions(SelfTrade.DECREMENT, 500, 0, 2**63 - 1),
    ),
    PlaceOrder(
        *("ann", "GEM_CASH", Side.SELL, OrderType.TAKE_PROFIT_LIMIT, TimeInForce.GTD, False, 5, 7, "stop"),
        Conditions(trailing_bps=25, activation_ticks=2**62, expire_ns=2**62),
    ),
    RunTriggered("GEM_CASH", 32),
    ExpireDue("GEM_CASH", 256),
    EndSocket("GEM_CASH", 7, 256),
    EndSocket("GEM_CASH", None, 256),
    CancelAllAfter("ann", "GEM_CASH", 60_000),
    CancelAllAfter("ann", None, 0),
    RunTimer(),
    CancelOrder("ann", "GEM_CASH", 5, None, None, "why-not"),
    ReplaceOrder(
        CancelOrder("ann", "GEM_CASH", 5, None, True, "why-not"),
        PlaceOrder("ann", "GEM_CASH", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, False, 5, 7, None),
        ReplaceMode.ALLOW_FAILURE,
    ),
    CancelAll("ann", "GEM_CASH"),
    ReplaceOrder(
        CancelOrder("ann", "GEM_CASH", None, "name", True),
        PlaceOrder("ann", "GEM_CASH", Side.SELL, OrderType.LIMIT, TimeInForce.FOK, False, 2**63 - 1, 1, "name"),
        ReplaceMode.STOP_ON_FAILURE,
    ),
    ReplaceOrder(
        CancelOrder("ann", "GEM_CASH", 12, None),
        PlaceOrder(
            *("ann", "GEM_CASH", Side.BUY, OrderType.MARKET, TimeInForce.IOC, False, None, 0, None),
            Conditions(SelfTrade.DECREMENT, 500),
        ),
        ReplaceMode.ATOMIC,
    ),
    AmendOrder("ann", "GEM_CASH", 12, None, quantity_lots=2**63 - 1, price_ticks=0),
    AmendOrder("ann", "GEM_CASH", None, "name", reduce_lots=3, key="k", new_client_order_id="other"),
    PlaceList("ann", "GEM_CASH", ListType.OTOCO, (ENTRY, PROFIT, ENTRY), "name", True),
    PlaceList("ann", "GEM_CASH", ListType.OTO, (ENTRY, PROFIT)),
    CancelList("ann", "GEM_CASH", 12, None),
    CancelList("ann", "GEM_CASH", None, "name"),
    Deposit("ann", "CASH", 10**38 - 1, "a key"),
    AddUser("ann"),
    AddAsset(GEM),
    SetMarket(MARKET),
    SetMarket(
        instrument_of(
            "GEM_CASH",
            GEM,
            CASH,
            tick_size="0.01",
            lot_size="1",
            maker_fee="-0.01",
            taker_fee="0.25",
            min_price="3",
            fee_asset=FeeAsset.QUOTE,
            max_fills_per_order=7,
            min_notional_applies_to_market=True,
            avg_price_mins=60,
        )
    ),
    SetMarketStatus("GEM_CASH", MarketStatus.CANCEL_ONLY),
    AddAsset(GEM, ROOT),
    SetMarket(MARKET, Origin("@console", None)),
    SetMarketStatus("GEM_CASH", MarketStatus.POST_ONLY, ROOT),
    PassTime(),
    Deposit("ann", "CASH", 1, "another key", ROOT),
    CreateUser("ann", Origin("@console", None)),
    CreateUser("ann", ROOT, (("CASH", 10**38 - 1), ("GEM", 1))),
    SetUserStatus("ann", True, ROOT),
    CreateKey(KEY, ROOT),
    SetTierFees("GEM_CASH", "vip-1", -100, 1_000_000, ROOT),
    SetTierFees("GEM_CASH", "vip-1", None, None, Origin("@console", None)),
    SetUserTier("ann", "vip-1", ROOT),
    SetUserTier("ann", None, ROOT),
    SetVenueFilters(VenueFilters(max_open_orders=7, max_open_lists=2), ROOT),
    SetVenueFilters(VenueFilters()),
    RevokeKey("k1", ROOT),
    RequestWithdrawal("ann", "CASH", 10**38 - 1, "key", ROOT),
    EndWithdrawal("key", True, ROOT),
    TransferFunds("@fees", "ann", "CASH", 10**38 - 1, "key", ROOT),
    ResetUser("ann", (("CASH", 10**38 - 1), ("GEM", 0)), "key", ROOT),
    ResetUser("ann", (), "key", Origin("@console", None)),
]


def test_every_kind_of_command_is_here() -> None:
    assert {type(command) for command in COMMANDS} == set(get_args(Command))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_it_is_read_as_it_was_written(command: Command) -> None:
    text = journal.encode([Applied(3, 1_700_000_000_000_000_001, command, [])])
    assets = {asset.symbol: asset for asset in (GEM, CASH)}
    entries = journal.decode(journal.CODEC_VERSION, RULES_VERSION, text, assets)
    assert list(entries) == [Journaled(3, 1_700_000_000_000_000_001, command, RULES_VERSION)]


def test_the_rules_of_a_market_of_version_1_are_those_of_then() -> None:
    text = '[[3,7,"set_market","GEM_CASH","GEM","CASH","0.01","1","7",0,1000000,5,1]]'
    [entry] = journal.decode(1, 2, text, {asset.symbol: asset for asset in (GEM, CASH)})
    assert isinstance(entry.command, SetMarket)
    rules = entry.command.instrument
    assert (rules.taker_fee_ppm, rules.max_open_orders, rules.status) == (1_000_000, 5, MarketStatus.HALTED)
    assert (rules.fee_asset, rules.min_price_ticks, rules.fills_may_leave_nothing) == (FeeAsset.RECEIVED, 0, True)
    assert (rules.max_fills_per_order, rules.min_notional_applies_to_market) == (2**31 - 1, False)
