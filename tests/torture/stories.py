"""A small correct history: two users, one trade, one cancel, one open order, and a follower.

Bob asks for 2 at 100, Alice takes 0.5 of it, Bob cancels the rest, and Alice's bid for 1 at 90 stays.
"""

from dataclasses import replace
from typing import Any, cast

from exchange.client import Balance, Json, Market, Trade
from exchange.torture.record import (
    Command,
    CommandKind,
    Deposit,
    End,
    FillRow,
    Final,
    Guest,
    GuestRow,
    Heard,
    History,
    ListCommand,
    Listed,
    ListRow,
    Move,
    OrderRow,
    Report,
    StatusChange,
    Told,
)

MARKET = "SOL_USDC"
RULES: Market = {
    "market": MARKET,
    "base": "SOL",
    "quote": "USDC",
    "base_decimals": 6,
    "quote_decimals": 6,
    "tick_size": "0.01",
    "lot_size": "0.001",
    "min_notional": "0",
    "maker_fee": "0.001",
    "taker_fee": "0.002",
    "max_open_orders": 1000,
    "status": "trading",
    "fee_asset": "received",
    "min_price": "0.01",
    "max_fills_per_order": 10_000,
    "min_notional_applies_to_market": False,
    "avg_price_mins": 5,
    "self_trade_prevention": "expire_taker",
    "allowed_self_trade_prevention": ["expire_taker", "expire_maker", "expire_both", "decrement", "none"],
    "filters": cast(Any, {"max_quantity": "2"}),
}
TRADE: Trade = {
    "trade_id": "1",
    "market": MARKET,
    "price": "100",
    "quantity": "0.5",
    "quote_quantity": "50",
    "taker_side": "buy",
    "timestamp": 1,
    "market_trade_id": "1",
    "aggregate_id": "1",
}


def order(number: int, user: str, side: str, price: str, quantity: str, executed: str, quote: str, status: str) -> Any:
    """An order as a reply shows it, named after its number."""
    rest = ("limit", "gtc", False, price, quantity, executed, quote, status)
    return OrderRow(str(number), f"{user}.{number}", user, MARKET, side, *rest)


ASK = order(1, "bob", "sell", "100", "2", "0", "0", "open")
ASK_CANCELED = order(1, "bob", "sell", "100", "2", "0.5", "50", "canceled")
TAKER = order(2, "alice", "buy", "100", "0.5", "0.5", "50", "filled")
BID = order(3, "alice", "buy", "90", "1", "0", "0", "open")


def placed(told: OrderRow) -> Command:
    """It was placed, and answered so."""
    body = {"market": MARKET, "side": told.side, "price": told.price, "quantity": told.quantity}
    return _command("place", told, body)


def canceled(told: OrderRow) -> Command:
    """Its cancel was answered so."""
    return _command("cancel", told, {})


def _command(kind: CommandKind, told: OrderRow, body: dict[str, Any]) -> Command:
    return Command(told.user_id, kind, MARKET, told.client_order_id, body, True, None, [told], 1)


def refused(kind: CommandKind, user: str, name: str, code: str) -> Command:
    """It was answered with a no."""
    return Command(user, kind, MARKET, name, {}, True, code, [], 1)


def fill(user: str, order_id: str, side: str, fee: str, fee_asset: str, liquidity: str) -> FillRow:
    """Its user's side of the trade."""
    return FillRow(user, "1", order_id, MARKET, side, "100", "0.5", "50", fee, fee_asset, liquidity)


def balance(asset: str, available: str, locked: str, total: str) -> Balance:
    return {"asset": asset, "available": available, "locked": locked, "total": total}


BALANCES = {
    "alice": [balance("SOL", "0.499", "0", "0.499"), balance("USDC", "860", "90", "950")],
    "bob": [balance("SOL", "9.5", "0", "9.5"), balance("USDC", "49.95", "0", "49.95")],
}


class Listener:
    """Takes down what one socket says, as a follower would."""

    def __init__(self, name: str) -> None:
        self.heard: list[Heard] = []
        self._name = name
        self._connection = 1

    def subscribed(self, channel: str, count: int) -> None:
        """The channel is subscribed, and has counted so far."""
        self.heard.append(Heard(self._name, self._connection, channel, 0, count, count, None))

    def event(self, channel: str, sequence: int, count: int, data: Json) -> None:
        self.heard.append(Heard(self._name, self._connection, channel, sequence, count, count, data))


def levels(kind: str, last: int, bids: list[Any], asks: list[Any]) -> Json:
    """What a depth channel sends."""
    first = {"first_sequence": last} if kind == "diff" else {}
    return {"type": kind, "last_sequence": last, "bids": bids, "asks": asks, **first}


def rows(kind: str, *orders: OrderRow, trade_id: str | None = None) -> Json:
    """What a channel of orders sends, without what is not judged."""
    return {
        "type": kind,
        "orders": [
            {
                "order_id": one.order_id,
                "status": one.status,
                "executed_quantity": one.executed_quantity,
                "trade_id": trade_id,
            }
            for one in orders
        ],
    }


def _public() -> list[Heard]:
    public, trades, depth = Listener("public"), f"trade@{MARKET}", f"depth@{MARKET}"
    public.subscribed(trades, 0)
    public.subscribed(depth, 0)
    public.event(depth, 4, 0, levels("snapshot", 0, [], []))
    public.event(depth, 5, 1, levels("diff", 1, [], [["100", "2"]]))
    public.event(trades, 6, 1, {name: TRADE[name] for name in ("trade_id", "price", "quantity", "taker_side")})
    assert public.heard[-1].data is not None
    public.heard[-1].data["timestamp"] = 1
    public.event(depth, 6, 2, levels("diff", 2, [], [["100", "1.5"]]))
    # The exchange is killed, and the socket comes back.
    public.subscribed(trades, 1)
    public.subscribed(depth, 2)
    public.event(depth, 6, 2, levels("snapshot", 2, [], [["100", "1.5"]]))
    public.event(depth, 7, 3, levels("diff", 3, [], [["100", "0"]]))
    public.event(depth, 8, 4, levels("diff", 4, [["90", "1"]], []))
    return public.heard


def _private() -> list[Heard]:
    alice = Listener("private")
    alice.subscribed("orders@alice", 0)
    alice.event("orders@alice", 4, 0, rows("snapshot"))
    alice.event("orders@alice", 6, 1, rows("update", TAKER, trade_id="1"))
    alice.event("orders@alice", 8, 2, rows("update", BID))
    alice.subscribed("balances@alice", 1)
    alice.event("balances@alice", 4, 1, {"type": "snapshot", "balances": [balance("USDC", "1000", "0", "1000")]})
    alice.event("balances@alice", 8, 2, {"type": "update", "balances": BALANCES["alice"]})
    return alice.heard


def _user_stream() -> list[Report]:
    """What Alice's stream of the other dialect has told: her taker's fill, then her bid."""
    return [
        Report("alice", 1, 4, TAKER.order_id, MARKET, "filled", "0.5", "1", "100", "0.5"),
        Report("alice", 1, 5, BID.order_id, MARKET, "open", "0", None, "0", "0"),
    ]


def clean() -> History:
    """All of it."""
    depth: Any = {"market": MARKET, "last_sequence": 2, "bids": [], "asks": [("100", "1.5")]}
    end: Any = {"market": MARKET, "last_sequence": 4, "bids": [("90", "1")], "asks": []}
    final = Final(
        [ASK_CANCELED, TAKER, BID],
        [BID],
        [
            fill("alice", "2", "buy", "0.001", "SOL", "taker"),
            fill("bob", "1", "sell", "0.05", "USDC", "maker"),
        ],
        {MARKET: [TRADE.copy()]},
        {user: [row.copy() for row in rows] for user, rows in BALANCES.items()},
        {MARKET: "trading"},
        [end],
    )
    commands = [
        placed(ASK),
        placed(TAKER),
        canceled(ASK_CANCELED),
        placed(BID),
        placed(BID),  # once more, under its name
        refused("place", "alice", "alice.3", "CLIENT_ORDER_ID_CONFLICT"),
        refused("place", "bob", "bob.9", "INSUFFICIENT_BALANCE"),
        refused("cancel", "bob", "bob.9", "UNKNOWN_ORDER"),
    ]
    deposits = [Deposit("alice", "USDC", "1100", "a", True, 1), Deposit("bob", "SOL", "10", "b", True, 2, 1)]
    changes = [StatusChange("alice", MARKET, status, True, 1) for status in ("halted", "trading")]
    moves = [
        Move("alice", None, "USDC", "100", "w", True, True, None, 2),
        Move("alice", None, "USDC", "5", "r", False, True, None, 2),
        Move("bob", "alice", "USDC", "9", "x", False, True, "INSUFFICIENT_BALANCE", 1),
        Move("bob", "alice", "SOL", "1", "g", False, True, None, 1),
        Move("alice", "bob", "SOL", "1", "h", False, True, None, 1),
    ]
    history = History(7, [RULES], deposits, changes, commands, [*_public(), *_private()], [depth], final)
    history.moves, history.reports = moves, _user_stream()
    history.told = [Told("alice", 1, {"USDC": ("860", "90")})]
    _administered(history)
    _listed(history)
    return history


def _listed(history: History) -> None:
    """Carol has an OCO of which both legs wait, and an OTOCO that was canceled."""
    shared = {"post_only": False, "price": None}
    waits = [
        replace(order(11, "carol", "sell", "0", "2", "0", "0", "pending"), order_type="take_profit", **shared),
        replace(order(12, "carol", "sell", "0", "2", "0", "0", "pending"), order_type="stop_loss", **shared),
    ]
    ended = [
        order(13, "carol", "buy", "80", "1", "0", "0", "canceled"),
        order(14, "carol", "sell", "120", "1", "0", "0", "canceled"),
        replace(order(15, "carol", "sell", "0", "1", "0", "0", "canceled"), order_type="stop_loss", **shared),
    ]
    waits = [replace(leg, list_id="1", pending_for="trigger") for leg in waits]
    ended = [replace(leg, list_id="2") for leg in ended]
    history.final.orders += [*waits, *ended]
    history.final.open_orders += waits
    history.commands += [placed(leg) for leg in (*waits, *(replace(leg, status="open") for leg in ended))]
    history.final.lists = [
        list_row("1", "oco", "executing", None, waits),
        list_row("2", "otoco", "all_done", "canceled", ended),
    ]
    for row in history.final.lists:
        legs = [str(name) for name in row.names]
        assert row.client_list_id is not None
        terms = (row.list_type, legs, ["2"] * len(legs), row.list_id, True)
        history.lists.append(ListCommand("carol", "place", MARKET, row.client_list_id, *terms))
    history.lists.append(ListCommand("carol", "cancel", MARKET, "carol.l2", list_id="2", settled=True))
    history.lists.append(ListCommand("carol", "cancel", MARKET, "carol.l9", settled=True, code="UNKNOWN_LIST"))
    history.deposits.append(Deposit("carol", "SOL", "10", "c", True, 1))
    history.final.balances["carol"] = [balance("SOL", "8", "2", "10")]


def list_row(list_id: str, kind: str, status: str, end: str | None, orders: list[OrderRow]) -> ListRow:
    """A list of Carol, as it is shown."""
    ids, names = [leg.order_id for leg in orders], [leg.client_order_id for leg in orders]
    return ListRow(list_id, f"carol.l{list_id}", "carol", MARKET, kind, status, end, ids, names)


def _administered(history: History) -> None:
    """A guest of each kind, a listed market, and a journal that was pruned."""
    history.guests = [
        Guest("g-reset", "reset", "7", True, 0, 3),
        Guest("g-disable", "disable", "2", True, 0, 3),
        Guest("g-revoke", "revoke", "1", True, 0, 4),
        Guest("g-faucet", "faucet", "1", True, 2, 4),
    ]
    history.final.guests = {
        "g-reset": GuestRow("7", "0", ["canceled"], [], False),
        "g-disable": GuestRow("100", "0", ["canceled"], [], True),
        "g-revoke": GuestRow("99", "1", ["pending"], [], False),
        "g-faucet": GuestRow("124", "1", ["pending"], [], False),
    }
    history.listed = [Listed("ITEM0_USDC", "0.002", True, 4)]
    history.final.taker_fees = {"ITEM0_USDC": "0.002"}
    history.prunes = [End(0, "dropped partitions: 2 of the journal"), End(-9, ""), End(1, "exchange: no database.")]
