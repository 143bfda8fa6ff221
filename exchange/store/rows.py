"""A batch of events folded into rows: the last state of each order and account, once however often it changed.

A row is a dict by column, as JSON takes it; amounts, which JSON's numbers are too small for, are text.
"""

from collections.abc import Sequence
from typing import Any

from exchange.core.candles import candles_of
from exchange.core.events import (
    INTERVALS_S,
    AssetAdded,
    BalanceChanged,
    Deposited,
    LevelChanged,
    MarketChanged,
    MarketSet,
    OrderStatus,
    OrderUpdated,
    TimePassed,
    Trade,
    UserAdded,
)
from exchange.core.instrument import Asset, Instrument
from exchange.writer import Applied, Batch

Row = dict[str, Any]

NO_CANDLES = " ".join("0" for _ in INTERVALS_S)


class Rows:
    """What a batch leaves in the tables."""

    __slots__ = ("accounts", "assets", "instruments", "markets", "orders", "trades", "transfers", "users")

    def __init__(self) -> None:
        self.orders: dict[int, OrderUpdated] = {}
        self.accounts: dict[tuple[str, str], BalanceChanged] = {}
        self.trades: list[Trade] = []
        self.markets: dict[str, MarketChanged] = {}
        self.transfers: list[Row] = []
        self.users: list[str] = []
        self.assets: list[Asset] = []
        self.instruments: dict[str, Instrument] = {}


def fold(batch: Batch) -> Rows:
    """The rows of a batch: one a key, since one statement may not touch a row twice."""
    rows = Rows()
    orders, accounts, trades, markets = rows.orders, rows.accounts, rows.trades, rows.markets
    for entry in batch.applied:
        for event in entry.events:
            if isinstance(event, OrderUpdated):
                orders[event.order_id] = event
            elif isinstance(event, BalanceChanged):
                accounts[event.user_id, event.asset] = event
            elif isinstance(event, Trade):
                trades.append(event)
            elif isinstance(event, MarketChanged):
                markets[event.market] = event
            elif not isinstance(event, LevelChanged):
                _fold_rare(rows, entry, event)
    # One statement cannot touch a market's row twice; its rules come before any of its orders, or alone.
    assert not rows.instruments.keys() & markets.keys()
    return rows


def _fold_rare(rows: Rows, entry: Applied, event: Any) -> None:
    match event:
        case Deposited():
            rows.transfers.append(transfer_row(entry.sequence, entry.time_ns, event))
        case UserAdded():
            rows.users.append(event.user_id)
        case AssetAdded():
            rows.assets.append(event.asset)
        case MarketSet():
            rows.instruments[event.instrument.symbol] = event.instrument
        case TimePassed():
            pass  # the time of a batch is stored with it
        case _:
            raise AssertionError(event)


def is_open(order: OrderUpdated) -> bool:
    """Whether the order is still in the book after this update."""
    return order.status <= OrderStatus.PARTIALLY_FILLED


def order_row(order: OrderUpdated) -> Row:
    """The columns that open and closed orders share."""
    terms = order.terms
    return {
        "order_id": order.order_id,
        "user_id": terms.user_id,
        "market": terms.market,
        "client_order_id": terms.client_order_id,
        "side": terms.side,
        "order_type": terms.order_type,
        "time_in_force": terms.time_in_force,
        "post_only": terms.post_only,
        "price_ticks": terms.price_ticks,
        "quantity_lots": terms.quantity_lots,
        "executed_lots": order.executed_lots,
        "executed_quote_minor": str(order.executed_quote_minor),
        "status": order.status,
        "created_ns": order.created_ns,
        "updated_ns": order.updated_ns,
    }


def resting_row(order: OrderUpdated) -> Row:
    """An order that has come into the book."""
    row = order_row(order)
    row["rested_sequence"] = order.order_id
    return row


def closed_row(order: OrderUpdated) -> Row:
    """An order that is over."""
    row = order_row(order)
    row["expire_reason"] = order.expire_reason
    return row


def changed_row(order: OrderUpdated) -> Row:
    """What changes of an order that stays in the book."""
    return {
        "order_id": order.order_id,
        "executed_lots": order.executed_lots,
        "executed_quote_minor": str(order.executed_quote_minor),
        "status": order.status,
        "updated_ns": order.updated_ns,
    }


def trade_row(trade: Trade) -> Row:
    """A trade."""
    return {
        "trade_id": trade.trade_id,
        "market": trade.market,
        "price_ticks": trade.price_ticks,
        "quantity_lots": trade.quantity_lots,
        "quote_minor": str(trade.quote_minor),
        "taker_side": trade.taker_side,
        "maker_order_id": trade.maker_order_id,
        "taker_order_id": trade.taker_order_id,
        "maker_user_id": trade.maker_user_id,
        "taker_user_id": trade.taker_user_id,
        "maker_fee_minor": str(trade.maker_fee_minor),
        "taker_fee_minor": str(trade.taker_fee_minor),
        "time_ns": trade.time_ns,
    }


def account_row(account: BalanceChanged) -> Row:
    """An account."""
    return {
        "user_id": account.user_id,
        "asset": account.asset,
        "available_minor": str(account.available_minor),
        "locked_minor": str(account.locked_minor),
        "balances_sequence": account.balances_sequence,
        "orders_sequence": account.orders_sequence,
    }


def market_row(changed: MarketChanged) -> Row:
    """How far a market has counted."""
    return {
        "symbol": changed.market,
        "book_sequence": changed.book_sequence,
        "depth_sequence": changed.depth_sequence,
        "best_sequence": changed.best_sequence,
        "trade_sequence": changed.trade_sequence,
        "last_trade_ns": changed.last_trade_ns,
        "candles": " ".join(map(str, changed.candles)),
    }


def instrument_row(rules: Instrument) -> Row:
    """A market's rules, and the counts of one that is new."""
    return {
        "symbol": rules.symbol,
        "base": rules.base.symbol,
        "quote": rules.quote.symbol,
        "tick_size": rules.price_text(1),
        "lot_size": rules.quantity_text(1),
        "min_notional_minor": str(rules.min_notional_minor),
        "maker_fee_ppm": rules.maker_fee_ppm,
        "taker_fee_ppm": rules.taker_fee_ppm,
        "max_open_orders": rules.max_open_orders,
        "status": rules.status,
        "book_sequence": 0,
        "depth_sequence": 0,
        "best_sequence": 0,
        "trade_sequence": 0,
        "last_trade_ns": 0,
        "candles": NO_CANDLES,
    }


def asset_row(asset: Asset) -> Row:
    """An asset."""
    return {"symbol": asset.symbol, "decimals": asset.decimals}


def transfer_row(sequence: int, time_ns: int, deposit: Deposited) -> Row:
    """A deposit."""
    return {
        "sequence": sequence,
        "user_id": deposit.user_id,
        "asset": deposit.asset,
        "amount_minor": str(deposit.amount_minor),
        "key": deposit.key,
        "time_ns": time_ns,
    }


def candle_rows(trades: Sequence[Trade]) -> list[Row]:
    """What the trades add to the candles of every interval."""
    return [
        {
            "market": market,
            "interval_s": interval_s,
            "open_s": candle.open_s,
            "open_ticks": candle.open_ticks,
            "high_ticks": candle.high_ticks,
            "low_ticks": candle.low_ticks,
            "close_ticks": candle.close_ticks,
            "volume_lots": str(candle.volume_lots),
            "quote_minor": str(candle.quote_minor),
            "trades": candle.trades,
        }
        for (market, interval_s, _), candle in candles_of(trades).items()
    ]
