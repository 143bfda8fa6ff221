"""The records of the clients of a run: everything that the judge examines.

Numbers are the decimal texts of the wire. Rows keep of a reply what can be judged, and no more: a run has many.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

from exchange.client import Amendment, Balance, Depth, Fill, Json, Market, Order, OrderList, Peg, PreventedMatch, Trade

CommandKind = Literal["place", "cancel", "cancel_all", "cancel_all_after", "amend"]


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as a reply showed it."""

    order_id: str
    client_order_id: str | None
    user_id: str
    market: str
    side: str
    order_type: str
    time_in_force: str
    post_only: bool
    price: str | None
    quantity: str
    executed_quantity: str
    executed_quote_quantity: str
    status: str
    self_trade_prevention: str = "expire_taker"
    prevented_quantity: str | None = None
    quote_quantity: str | None = None
    stop_price: str | None = None
    trailing_amount: str | None = None
    expire_at: int | None = None
    pegged_price: str | None = None
    peg: dict[str, Any] | None = None  # what was said of it
    list_id: str | None = field(default=None, compare=False)  # this and the rest is not in each reply about an order
    pending_for: str | None = field(default=None, compare=False)
    expire_reason: str | None = field(default=None, compare=False)
    triggered: bool = field(default=False, compare=False)

    @property
    def locking_price(self) -> str | None:
        """The price that it locks by: of one that follows the book, its limit."""
        return self.price if self.peg is not None and self.peg.get("follow") else self.standing_price

    @property
    def standing_price(self) -> str | None:
        """The price that it stands at in the book: of a pegged order, what it took from there."""
        return self.price if self.pegged_price is None else self.pegged_price

    @classmethod
    def of(cls, order: Order) -> "OrderRow":
        """The part of it that is judged."""
        return cls(
            order["order_id"],
            order["client_order_id"],
            sys.intern(order["user_id"]),
            sys.intern(order["market"]),
            sys.intern(order["side"]),
            sys.intern(order["order_type"]),
            sys.intern(order["time_in_force"]),
            order["post_only"],
            order["price"],
            order["quantity"],
            order["executed_quantity"],
            order["executed_quote_quantity"],
            sys.intern(order["status"]),
            sys.intern(order["self_trade_prevention"]),
            order["prevented_quantity"],
            order["quote_quantity"],
            order["stop_price"],
            order["trailing_amount"],
            order["expire_at"],
            order["pegged_price"],
            _said(order["peg"]),
            order["list_id"],
            order["pending_for"],
            order["expire_reason"],
            order["triggered_at"] is not None,
        )


def _said(peg: Peg | None) -> dict[str, Any] | None:
    return (
        None
        if peg is None
        else {name: value for name, value in peg.items() if value is not None and value is not False}
    )


@dataclass(frozen=True, slots=True)
class FillRow:
    """One side of a trade, as its user sees it."""

    user_id: str
    trade_id: str
    order_id: str
    market: str
    side: str
    price: str
    quantity: str
    quote_quantity: str
    fee: str
    fee_asset: str
    liquidity: str

    @classmethod
    def of(cls, user_id: str, fill: Fill) -> "FillRow":
        """The part of it that is judged."""
        shared = (fill["market"], fill["side"], fill["fee_asset"], fill["liquidity"])
        market, side, fee_asset, liquidity = (sys.intern(text) for text in shared)
        numbers = (fill["price"], fill["quantity"], fill["quote_quantity"], fill["fee"])
        return cls(user_id, fill["trade_id"], fill["order_id"], market, side, *numbers, fee_asset, liquidity)


@dataclass(slots=True)
class Command:
    """One command, sent until it was answered. `name` is the order's `client_order_id`, if it names one.

    `code` is why it was refused. `orders` are those that the answer carried: the order placed or canceled, all that
    `cancel_all` canceled, or the closed order that could not be canceled. `lost` attempts had no answer that says.
    `body` is what was asked for, in an order to place or to amend.
    """

    user_id: str
    kind: CommandKind
    market: str | None
    name: str | None
    body: dict[str, Any]
    settled: bool = False
    code: str | None = None
    orders: list[OrderRow] = field(default_factory=list)
    attempts: int = 0
    lost: int = 0

    @property
    def acknowledged(self) -> bool:
        """Whether it was acknowledged."""
        return self.settled and self.code is None


@dataclass(slots=True)
class ListCommand:
    """A list to place, or to cancel, by its `client_list_id`; `legs` are the names of its orders, each of which has a
    command of its own, and `quantities` what they were for. `list_id` is what an answer told."""

    user_id: str
    kind: Literal["place", "cancel"]
    market: str
    name: str
    list_type: str = ""
    legs: list[str] = field(default_factory=list)
    quantities: list[str] = field(default_factory=list)
    list_id: str | None = None
    settled: bool = False
    code: str | None = None
    attempts: int = 0
    lost: int = 0

    @property
    def acknowledged(self) -> bool:
        """Whether it was acknowledged."""
        return self.settled and self.code is None


@dataclass(frozen=True, slots=True)
class ListRow:
    """A list of orders as the API shows it, with the ids and the names of its orders."""

    list_id: str
    client_list_id: str | None
    user_id: str
    market: str
    list_type: str
    status: str
    end_reason: str | None
    order_ids: list[str]
    names: list[str | None]

    @classmethod
    def of(cls, found: OrderList) -> "ListRow":
        """The part of it that is judged."""
        orders = found["orders"]
        return cls(
            *(found["list_id"], found["client_list_id"], found["user_id"], found["market"], found["type"]),
            *(found["status"], found["end_reason"]),
            [order["order_id"] for order in orders],
            [order["client_order_id"] for order in orders],
        )


@dataclass(slots=True)
class Deposit:
    """A deposit, under a key that is credited once, however often it is sent."""

    user_id: str
    asset: str
    amount: str
    key: str
    settled: bool = False
    attempts: int = 0
    lost: int = 0


@dataclass(slots=True)
class Move:
    """Money that leaves a user: to the user `gets`, or in a withdrawal, which a second step settles or releases."""

    user_id: str
    gets: str | None
    asset: str
    amount: str
    key: str
    settles: bool
    settled: bool = False  # whether the last step was answered
    code: str | None = None
    attempts: int = 0
    lost: int = 0

    @property
    def left(self) -> bool:
        """Whether the money has left the user."""
        return self.settled and self.code is None and (self.gets is not None or self.settles)


@dataclass(slots=True)
class StatusChange:
    """A change of what a market takes. Who closes a market opens it again."""

    user_id: str
    market: str
    status: str
    settled: bool = False
    attempts: int = 0
    lost: int = 0


@dataclass(slots=True)
class Guest:
    """A user who is funded and has an order that waits; then the administrator does one thing more.

    A reset leaves `amount`. The faucet has credited from once to `credits` times. `codes` are refusals, which there
    should be none of.
    """

    user_id: str
    does: str
    amount: str
    settled: bool = False
    credits: int = 0
    attempts: int = 0
    codes: list[str] = field(default_factory=list)

    @property
    def stays_disabled(self) -> bool:
        """Whether nobody enables the guest again."""
        return self.does == "disable" and int(self.amount) % 2 == 0


@dataclass(frozen=True, slots=True)
class GuestRow:
    """What is there of a guest: USDC, the statuses of all orders, the keys that work."""

    available: str
    locked: str
    statuses: list[str]
    keys: list[str]
    disabled: bool


@dataclass(slots=True)
class Listed:
    """A market that was added, and the last taker fee that it was given."""

    market: str
    taker_fee: str
    settled: bool = False
    attempts: int = 0
    codes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of a follower's socket; `data` is None if it is the answer to a subscription."""

    follower: str
    connection: int
    channel: str
    sequence: int
    channel_sequence: int
    first_channel_sequence: int
    data: Json | None


@dataclass(frozen=True, slots=True)
class Report:
    """One execution report of a user's stream in the Binance-compatible dialect; `trade` is its trade's number in the
    market, None for another step."""

    user_id: str
    connection: int
    sequence: int
    order_id: str
    market: str
    status: str
    executed_quantity: str
    trade: str | None
    price: str
    quantity: str


@dataclass(frozen=True, slots=True)
class Told:
    """The balances that such a stream told of, by asset: what is free, and what is locked. The first of a connection is
    empty."""

    user_id: str
    connection: int
    balances: dict[str, tuple[str, str]]


@dataclass(slots=True)
class Final:
    """What the API showed at the end of the run; trades oldest first."""

    orders: list[OrderRow] = field(default_factory=list)
    open_orders: list[OrderRow] = field(default_factory=list)
    fills: list[FillRow] = field(default_factory=list)
    trades: dict[str, list[Trade]] = field(default_factory=dict)
    balances: dict[str, list[Balance]] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    depths: list[Depth] = field(default_factory=list)
    prevented: list[PreventedMatch] = field(default_factory=list)
    amendments: list[Amendment] = field(default_factory=list)
    lists: list[ListRow] = field(default_factory=list)
    guests: dict[str, GuestRow] = field(default_factory=dict)
    taker_fees: dict[str, str] = field(default_factory=dict)
    max_open_orders: int | None = None  # of a user in all markets


@dataclass(frozen=True, slots=True)
class End:
    """An exchange that ended without a signal: its exit code and its last line."""

    exit_code: int
    said: str


@dataclass(slots=True)
class History:
    """A complete run. `ends` are the ends of the exchange, `second_starts` those of a second one on the same
    database."""

    seed: int
    markets: list[Market] = field(default_factory=list)
    deposits: list[Deposit] = field(default_factory=list)
    status_changes: list[StatusChange] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    depths: list[Depth] = field(default_factory=list)
    final: Final = field(default_factory=Final)
    ends: list[End] = field(default_factory=list)
    second_starts: list[End] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    guests: list[Guest] = field(default_factory=list)
    listed: list[Listed] = field(default_factory=list)
    prunes: list[End] = field(default_factory=list)
    lists: list[ListCommand] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_bytes(orjson.dumps(self))
