"""The trades that the exchange made of a recording, against the trades that the real market made of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest

from exchange.client import Client, Fill, Trade
from exchange.replay.recording import RecordedTrade
from exchange.replay.wire import Units, client_order_id, plain

PAGE = 1000


@dataclass(slots=True)
class MadeTrade:
    """A trade of the exchange; `buyer` and `seller` are client_order_ids, None where the order is a stranger's."""

    trade_id: int
    price: Decimal
    quantity: Decimal
    taker_side: str
    buyer: str | None
    seller: str | None


@dataclass(slots=True)
class Comparison:
    """`difference` names the first one, in a sentence; None if every trade is as recorded."""

    recorded: int
    made: int
    difference: str | None


class TradeReader:
    """Reads what was traded, in pages of the contract's largest size. Raises what the client raises."""

    def __init__(self, client: Client, market: str) -> None:
        self._client = client
        self._market = market

    async def made(self, user_ids: Sequence[str], names: frozenset[str]) -> list[MadeTrade]:
        """All trades with an order called one of `names` of one of the users, oldest first."""
        sides: dict[int, dict[str, str | None]] = {}
        for user_id in user_ids:
            for fill in await self._fills(user_id):
                name = fill.get("client_order_id")
                if name in names:
                    sides.setdefault(int(fill["trade_id"]), {})[fill["side"]] = name
        if not sides:
            return []
        trades = await self._trades_since(min(sides))
        return [
            MadeTrade(
                int(trade["trade_id"]),
                Decimal(trade["price"]),
                Decimal(trade["quantity"]),
                trade["taker_side"],
                sides[int(trade["trade_id"])].get("buy"),
                sides[int(trade["trade_id"])].get("sell"),
            )
            for trade in reversed(trades)
            if int(trade["trade_id"]) in sides
        ]

    async def _fills(self, user_id: str) -> list[Fill]:
        fills: list[Fill] = []
        before: str | None = None
        while True:
            page, before = await self._client.fills(self._market, limit=PAGE, before=before, user_id=user_id)
            fills += page
            if before is None:
                return fills

    async def _trades_since(self, oldest: int) -> list[Trade]:
        """Newest first, down to the trade `oldest` at least: the market may have traded long before the run."""
        trades: list[Trade] = []
        before: str | None = None
        while True:
            page, before = await self._client.trades(self._market, limit=PAGE, before=before)
            trades += page
            if before is None or not page or int(page[-1]["trade_id"]) <= oldest:
                return trades


def compare(recorded: Sequence[RecordedTrade], made: Sequence[MadeTrade], units: Units) -> Comparison:
    """In order: price, quantity, taker side, buyer, seller."""
    difference = None
    for number, (theirs, ours) in enumerate(zip_longest(recorded, made), start=1):
        difference = _difference(number, theirs, ours, units)
        if difference is not None:
            break
    return Comparison(len(recorded), len(made), difference)


def _difference(number: int, theirs: RecordedTrade | None, ours: MadeTrade | None, units: Units) -> str | None:
    if ours is None:
        assert theirs is not None
        return f"trade {number} (recorded as {theirs.trade_id}, by seq {theirs.cmd_seq}) was not made"
    if theirs is None:
        return f"trade {number} (made as {ours.trade_id}, {ours.buyer} from {ours.seller}) is not recorded"
    expected = {
        "price": plain(units.prices(theirs.price)),
        "quantity": plain(units.quantities(theirs.quantity)),
        "taker side": theirs.taker_side,
        "buyer": client_order_id(theirs.buy_order_id),
        "seller": client_order_id(theirs.sell_order_id),
    }
    actual = {
        "price": plain(ours.price),
        "quantity": plain(ours.quantity),
        "taker side": ours.taker_side,
        "buyer": ours.buyer,
        "seller": ours.seller,
    }
    for name, value in expected.items():
        if actual[name] != value:
            return (
                f"trade {number} (recorded as {theirs.trade_id}, by seq {theirs.cmd_seq}; made as {ours.trade_id}): "
                f"the {name} is {actual[name] or 'a stranger'}, recorded is {value}"
            )
    return None
