"""A batch of events folded into rows: the last state of each order and account, once however often it changed."""

from collections.abc import Sequence
from typing import Any

from exchange.core.candles import candles_of
from exchange.core.events import (
    AssetAdded,
    BalanceChanged,
    Deposited,
    LevelChanged,
    MarketChanged,
    MarketSet,
    OrderStatus,
    OrderUpdated,
    Trade,
    UserAdded,
)
from exchange.core.instrument import Asset, Instrument
from exchange.writer import Applied, Batch


class Rows:
    """What a batch leaves in the tables."""

    __slots__ = ("accounts", "assets", "instruments", "markets", "orders", "trades", "transfers", "users")

    def __init__(self) -> None:
        self.orders: dict[int, OrderUpdated] = {}
        self.accounts: dict[tuple[str, str], BalanceChanged] = {}
        self.trades: list[Trade] = []
        self.markets: dict[str, MarketChanged] = {}
        self.transfers: list[tuple[int, int, Deposited]] = []
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
            elif isinstance(event, MarketChanged):
                markets[event.market] = event
            elif isinstance(event, Trade):
                trades.append(event)
            elif not isinstance(event, LevelChanged):
                _fold_rare(rows, entry, event)
    return rows


def _fold_rare(rows: Rows, entry: Applied, event: Any) -> None:
    match event:
        case Deposited():
            rows.transfers.append((entry.sequence, entry.time_ns, event))
        case UserAdded():
            rows.users.append(event.user_id)
        case AssetAdded():
            rows.assets.append(event.asset)
        case MarketSet():
            rows.instruments[event.instrument.symbol] = event.instrument
        case _:
            raise AssertionError(event)


def market_row(changed: MarketChanged) -> tuple[Any, ...]:
    """The counts of a market, its name first."""
    return (
        changed.market,
        changed.book_sequence,
        changed.depth_sequence,
        changed.best_sequence,
        changed.trade_sequence,
        changed.last_trade_ns,
        " ".join(map(str, changed.candles)),
    )


def account_row(account: BalanceChanged) -> tuple[Any, ...]:
    """The columns of an account, in the schema's order."""
    return (
        account.user_id,
        account.asset,
        str(account.available_minor),
        str(account.locked_minor),
        account.balances_sequence,
        account.orders_sequence,
    )


def candle_rows(trades: Sequence[Trade]) -> list[tuple[Any, ...]]:
    """What the trades add to the candles of every interval, in the schema's order."""
    return [
        (
            market,
            interval_s,
            candle.open_s,
            *candle.prices(),
            str(candle.volume_lots),
            str(candle.quote_minor),
            candle.trades,
        )
        for (market, interval_s, _), candle in candles_of(trades).items()
    ]


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows turned into columns; `width` of them even when there is no row."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def order_row(order: OrderUpdated) -> tuple[Any, ...]:
    """The columns that open and closed orders share, in the schema's order."""
    terms = order.terms
    return (
        order.order_id,
        terms.user_id,
        terms.market,
        terms.client_order_id,
        terms.side,
        terms.order_type,
        terms.time_in_force,
        terms.post_only,
        terms.price_ticks,
        terms.quantity_lots,
        order.executed_lots,
        str(order.executed_quote_minor),
        order.status,
        order.created_ns,
        order.updated_ns,
    )


def is_open(order: OrderUpdated) -> bool:
    """Whether the order is still in the book after this update."""
    return order.status <= OrderStatus.PARTIALLY_FILLED


def trade_row(trade: Trade) -> tuple[Any, ...]:
    """The columns of a trade, in the schema's order."""
    return (
        trade.trade_id,
        trade.market,
        trade.price_ticks,
        trade.quantity_lots,
        str(trade.quote_minor),
        trade.taker_side,
        trade.maker_order_id,
        trade.taker_order_id,
        trade.maker_user_id,
        trade.taker_user_id,
        str(trade.maker_fee_minor),
        str(trade.taker_fee_minor),
        trade.time_ns,
    )
