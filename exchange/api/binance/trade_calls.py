"""The calls about trades: of everybody, and a user's own. Ids of trades and aggregates count those of the market."""

from collections.abc import Sequence
from typing import Any, Final

from exchange.api.binance import numbers
from exchange.api.binance.asked import Asked
from exchange.api.binance.errors import BinanceError
from exchange.api.binance.order_shapes import NO_LIST
from exchange.api.binance.pieces import listed
from exchange.api.binance.symbols import Symbols, symbol_of
from exchange.api.binance.windows import page_in_time, time_range
from exchange.core.commands import Side
from exchange.core.instrument import Instrument
from exchange.service.history import Page, PublicTrade
from exchange.service.service import Service
from exchange.service.tape import Aggregate, OwnTrade, Tape

TRADES_MAX: Final = 1000
TRADES_USUAL: Final = 500


class TradeCalls:
    """The calls, over the service."""

    def __init__(self, service: Service, symbols: Symbols, tape: Tape) -> None:
        self._service = service
        self._symbols = symbols
        self._tape = tape

    async def trades(self, asked: Asked) -> Any:
        """The last trades of a market, oldest first."""
        rules, limit = self._rules(asked), asked.params.limit(TRADES_USUAL, TRADES_MAX)
        asked.params.done()
        return await self._last(rules, limit, asked)

    async def historical_trades(self, asked: Asked) -> Any:
        """Trades of a market from an id on, or the last ones."""
        rules, limit = self._rules(asked), asked.params.limit(TRADES_USUAL, TRADES_MAX)
        first = asked.params.integer("fromId")
        asked.params.done()
        if first is None:
            return await self._last(rules, limit, asked)
        found = await self._tape.trades_from(rules.symbol, first, limit)
        return await listed(found, lambda made: trade(made, rules, asked))

    async def aggregates(self, asked: Asked) -> Any:
        """Aggregates of a market from an id or a time on, or the last ones."""
        params, rules = asked.params, self._rules(asked)
        first, limit = params.integer("fromId"), params.limit(TRADES_USUAL, TRADES_MAX)
        start_ns, end_ns = time_range(params, None)
        params.done()
        if first is not None and (start_ns is not None or end_ns is not None):
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        found = await self._tape.aggregates(rules.symbol, first, start_ns, end_ns, limit)
        return await listed(found, lambda made: aggregate(made, rules, asked))

    async def own_trades(self, asked: Asked) -> Any:
        """A user's trades in a market, oldest first."""
        params, rules = asked.params, self._rules(asked)
        order_id, first = params.integer("orderId"), params.integer("fromId")
        page = page_in_time(params, params.limit(TRADES_USUAL, TRADES_MAX))
        params.done()
        timed = page.start_ns is not None or page.end_ns is not None
        if timed and (first is not None or order_id is not None):
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        found = list(await self._tape.own_trades(asked.user_id, rules.symbol, order_id, first, page))
        found.sort(key=lambda own: (own.fill.trade_id, own.fill.is_taker))
        return await listed(found, lambda own: own_trade(own, rules, asked))

    def _rules(self, asked: Asked) -> Instrument:
        return self._symbols.rules(asked.params.needed("symbol"))

    async def _last(self, rules: Instrument, limit: int, asked: Asked) -> list[dict[str, Any]]:
        found: Sequence[PublicTrade] = await self._service.reading.trades(rules.symbol, Page(limit))
        return await listed(reversed(found), lambda made: trade(made, rules, asked))


def trade(made: PublicTrade, rules: Instrument, asked: Asked) -> dict[str, Any]:
    """A trade as everybody sees it."""
    return {
        "id": made.market_trade_id,
        "price": numbers.price(rules, made.price_ticks),
        "qty": numbers.quantity(rules, made.quantity_lots),
        "quoteQty": numbers.amount(rules.quote, made.quote_minor),
        "time": asked.time(made.time_ns),
        "isBuyerMaker": made.taker_side is Side.SELL,
        "isBestMatch": True,
    }


def aggregate(made: Aggregate, rules: Instrument, asked: Asked) -> dict[str, Any]:
    """An aggregate."""
    return {
        "a": made.aggregate_id,
        "p": numbers.price(rules, made.price_ticks),
        "q": numbers.quantity(rules, made.quantity_lots),
        "f": made.first_market_trade_id,
        "l": made.last_market_trade_id,
        "T": asked.time(made.time_ns),
        "m": made.taker_side is Side.SELL,
        "M": True,
    }


def own_trade(own: OwnTrade, rules: Instrument, asked: Asked) -> dict[str, Any]:
    """A trade as one of its two orders sees it."""
    fill = own.fill
    buys = fill.side is Side.BUY
    paid_in = rules.fees_in(buys)
    return {
        "symbol": symbol_of(rules),
        "id": own.market_trade_id,
        "orderId": fill.order_id,
        "orderListId": NO_LIST,
        "price": numbers.price(rules, fill.price_ticks),
        "qty": numbers.quantity(rules, fill.quantity_lots),
        "quoteQty": numbers.amount(rules.quote, fill.quote_minor),
        "commission": numbers.amount(paid_in, fill.fee_minor),
        "commissionAsset": paid_in.symbol,
        "time": asked.time(fill.time_ns),
        "isBuyer": buys,
        "isMaker": not fill.is_taker,
        "isBestMatch": True,
    }
