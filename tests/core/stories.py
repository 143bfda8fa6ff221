"""A small language for market stories: build a venue, apply commands, read the result.

    venue = book_of("ask 3 @ 101", "ask 5 @ 102")
    outcome = place(venue, "bob buy 4 @ 105 IOC")
    assert shown(outcome) == ["3 @ 101", "1 @ 102"]

An order reads `USER buy|sell QUANTITY @ PRICE`, or `USER buy|sell QUANTITY at market [worst PRICE]`, then optionally
`IOC`, `FOK` or `POST`, `on MARKET`, `as CLIENT_ORDER_ID`, `stp MODE`, and `once more` where only an open order keeps
the id from being used again; in the place of the QUANTITY of a market order there may be `for SUM`, of the quote.
In the place of the price there may be `pegged to primary` or `pegged to market`, then `less OFFSET` or `levels COUNT`,
then `limit PRICE`, and `follows`.

Behind the price, `stop PRICE` or `take PRICE` makes an order wait for the last price, and `stop trail 100bps` or `take
trail 0.50 from PRICE` follow it; `until NS` is the time of a gtd order. After every step the venue checks itself, and a
step that was refused must have changed nothing at all.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from exchange.core.amendments import AmendOrder
from exchange.core.commands import (
    AddAsset,
    AddUser,
    CancelAll,
    CancelOrder,
    Command,
    Deposit,
    ExpireDue,
    ListType,
    OrderType,
    PlaceList,
    PlaceOrder,
    RunTriggered,
    SetMarket,
    Side,
    TimeInForce,
)
from exchange.core.conditions import Conditions, PegTo, SelfTrade
from exchange.core.events import Duplicate, Event, OrderUpdated, Rejected, Trade
from exchange.core.instrument import Asset, Instrument, instrument_of
from exchange.core.outcome import Applied, Outcome
from exchange.core.state import VenueState
from exchange.core.venue import Venue
from tests.copied import copied
from tests.told import check_told

SOL, USDC = Asset("SOL", 9), Asset("USDC", 6)
SOL_USDC = instrument_of("SOL_USDC", SOL, USDC, tick_size="0.01", lot_size="0.001")
SOL_EUR = instrument_of("SOL_EUR", SOL, Asset("EUR", 2), tick_size="0.01", lot_size="1")
PEOPLE = ("maker", "alice", "bob", "carol")  # each starts with plenty of everything
PLENTY = "1000000"

ORDER = re.compile(
    r"(?:(?P<user>\w+) )?(?P<side>buy|sell|bid|ask) (?:(?P<quantity>[\d.]+)|for (?P<sum>[\d.]+))"
    r"(?: @ (?P<price>[\d.]+)|(?P<at_market> at market)(?: worst (?P<worst>[\d.]+))?|(?: pegged to (?P<peg>\w+)"
    r"(?: less (?P<offset>[\d.]+))?(?: levels (?P<levels>\d+))?(?: limit (?P<limit>[\d.]+))?(?P<follows> follows)?))"
    r"(?: (?P<waits>stop|take)(?: (?P<at>[\d.]+))?(?: trail (?P<trail>[\d.]+)(?P<bps>bps)?)?"
    r"(?: from (?P<start>[\d.]+))?)?(?: (?P<terms>GTC|IOC|FOK|POST))?(?: until (?P<until>\d+))?(?: on (?P<market>\w+))?"
    r"(?: as (?P<client_order_id>\S+))?(?: stp (?P<stp>\w+))?(?P<once_more> once more)?"
)
WAITING = {
    ("stop", OrderType.LIMIT): OrderType.STOP_LOSS_LIMIT,
    ("stop", OrderType.MARKET): OrderType.STOP_LOSS,
    ("take", OrderType.LIMIT): OrderType.TAKE_PROFIT_LIMIT,
    ("take", OrderType.MARKET): OrderType.TAKE_PROFIT,
}
AMENDMENT = re.compile(
    r"(?:to (?P<to>[\d.]+)|by (?P<by>[\d.]+) key (?P<key>\w+))? ?(?:@ (?P<price>[\d.]+))? ?(?:as (?P<name>\S+))?"
)
SIDES = {"buy": Side.BUY, "bid": Side.BUY, "sell": Side.SELL, "ask": Side.SELL}


# --- the stage


def venue_of(*instruments: Instrument, people: Sequence[str] = PEOPLE, venue: Venue | None = None) -> Venue:
    """A venue with these markets (SOL_USDC when none is named), and people with plenty of all that they trade."""
    venue = venue or Venue()
    instruments = instruments or (SOL_USDC,)
    for asset in dict.fromkeys(asset for rules in instruments for asset in (rules.base, rules.quote)):
        do(venue, AddAsset(asset))
    for rules in instruments:
        do(venue, SetMarket(rules))
    for user_id in people:
        for asset in venue.assets.values():
            deposit(venue, f"{user_id} {PLENTY} {asset.symbol}")
    return venue


def book_of(*orders: str, rules: Instrument = SOL_USDC) -> Venue:
    """A venue of one market with these orders in its book; who does not say otherwise is `maker`."""
    venue = venue_of(rules)
    for order in orders:
        assert shown(place(venue, order)) == []
    return venue


def two_markets() -> Venue:
    """SOL_USDC and SOL_EUR, which share their base."""
    return venue_of(SOL_USDC, SOL_EUR)


# --- what people do


def do(venue: Venue, command: Command) -> Outcome:
    """Carry out one command the way the engine does, and hold the venue to its word."""
    before = venue.state()
    outcome = venue.apply(command, venue.sequence + 1, venue.time_ns + 1)
    venue.check()
    if isinstance(outcome, Applied):
        assert outcome.events
        check_told(venue, outcome)
        assert venue.sequence == outcome.sequence == before.sequence + 1
    else:
        assert venue.state() == before, "what changed nothing must change nothing"
    return outcome


def order_of(venue: Venue, text: str) -> PlaceOrder:
    """The command that the text is."""
    said = ORDER.fullmatch(text)
    assert said is not None, text
    rules = venue.markets[said["market"] or _usual_market(venue)].instrument
    terms, price = said["terms"], said["price"] or said["worst"] or said["limit"]
    time_in_force = TimeInForce[terms] if terms in ("IOC", "FOK") else TimeInForce.GTC
    if said["until"] is not None:
        time_in_force = TimeInForce.GTD
    order_type = OrderType.MARKET if said["at_market"] else OrderType.LIMIT
    if said["waits"] is not None:
        order_type = WAITING[said["waits"], order_type]
    return PlaceOrder(
        said["user"] or "maker",
        rules.symbol,
        SIDES[said["side"]],
        order_type,
        TimeInForce.IOC if said["at_market"] else time_in_force,
        terms == "POST",
        None if price is None else rules.ticks(price),
        0 if said["quantity"] is None else rules.lots(said["quantity"]),
        said["client_order_id"],
        _conditions(said, rules),
    )


def _conditions(said: re.Match[str], rules: Instrument) -> Conditions | None:
    def ticks(name: str) -> int | None:
        return None if said[name] is None else rules.ticks(said[name])

    asked = Conditions(
        None if said["stp"] is None else SelfTrade[said["stp"].upper()],
        None if said["sum"] is None else rules.quote.minor(said["sum"]),
        stop_ticks=ticks("at"),
        trailing_bps=int(said["trail"]) if said["bps"] else None,
        trailing_ticks=None if said["bps"] else ticks("trail"),
        refuse_while_open=1 if said["once_more"] else None,
        activation_ticks=ticks("start"),
        expire_ns=None if said["until"] is None else int(said["until"]),
        peg_to=None if said["peg"] is None else PegTo[said["peg"].upper()],
        peg_offset_ticks=ticks("offset"),
        peg_levels=None if said["levels"] is None else int(said["levels"]),
        peg_follows=1 if said["follows"] else None,
    )
    return None if asked == Conditions() else asked


def _usual_market(venue: Venue) -> str:
    return "SOL_USDC" if "SOL_USDC" in venue.markets else next(iter(venue.markets))


def place(venue: Venue, text: str) -> Outcome:
    """Somebody places an order."""
    return do(venue, order_of(venue, text))


def placed(venue: Venue, text: str) -> int:
    """Somebody places an order that is taken; its id."""
    outcome = place(venue, text)
    return order_after(outcome).order_id


def iceberg(venue: Venue, text: str, visible_lots: int = 1) -> Outcome:
    """A limit order of which no more is shown."""
    return do(venue, replace(order_of(venue, text), conditions=Conditions(visible_lots=visible_lots)))


def listed(venue: Venue, list_type: ListType, *orders: str, market: str = "SOL_USDC") -> Outcome:
    """The orders as a list of that type."""
    terms = tuple(order_of(venue, f"{order} on {market}") for order in orders)
    return do(venue, PlaceList(terms[0].user_id, market, list_type, terms, None))


def cancel(venue: Venue, user_id: str, order: int | str, market: str = "SOL_USDC") -> Outcome:
    """Somebody cancels an order, by its id or by a client order id."""
    by_id = isinstance(order, int)
    return do(venue, CancelOrder(user_id, market, int(order) if by_id else None, None if by_id else str(order)))


def amend(venue: Venue, user_id: str, order: int | str, text: str, market: str = "SOL_USDC") -> Outcome:
    """Somebody changes an order: `"to 2"` or `"by 1 key k"`, then optionally `@ 101` and `as NAME`."""
    said = AMENDMENT.fullmatch(text)
    assert said is not None, text
    rules, by_id = venue.markets[market].instrument, isinstance(order, int)
    return do(
        venue,
        AmendOrder(
            user_id,
            market,
            int(order) if by_id else None,
            None if by_id else str(order),
            None if said["to"] is None else rules.lots(said["to"]),
            None if said["by"] is None else rules.lots(said["by"]),
            None if said["price"] is None else rules.ticks(said["price"]),
            said["name"],
            said["key"],
        ),
    )


def cancel_all(venue: Venue, user_id: str, market: str = "SOL_USDC") -> Outcome:
    """Somebody cancels all orders in a market."""
    return do(venue, CancelAll(user_id, market))


def run(venue: Venue, orders_max: int = 1, market: str = "SOL_USDC") -> Outcome:
    """The market enters what was triggered."""
    return do(venue, RunTriggered(market, orders_max))


def expire(venue: Venue, now_ns: int, orders_max: int = 10, market: str = "SOL_USDC") -> Outcome:
    """It is later, and the market ends what is due."""
    venue.time_ns = now_ns - 1
    return do(venue, ExpireDue(market, orders_max))


def waiting(venue: Venue, market: str = "SOL_USDC") -> list[str]:
    """Every order that waits by its owner, by id: its type and whether it is ready to enter."""
    triggers = venue.markets[market].triggers
    return [
        f"{order.user_id} {order.terms.order_type.name.lower()}{' ready' if order.order_id in triggers.ready else ''}"
        for _, order in sorted(triggers.orders.items())
    ]


def deposit(venue: Venue, text: str, key: str | None = None) -> Outcome:
    """`"bob 100 USDC"` comes in."""
    user_id, amount, symbol = text.split()
    return do(venue, Deposit(user_id, symbol, venue.assets[symbol].minor(amount), key or f"{user_id}-{symbol}"))


def join(venue: Venue, user_id: str) -> Outcome:
    """A user becomes known, with nothing."""
    return do(venue, AddUser(user_id))


# --- what came of it


def events_of(outcome: Outcome) -> list[Event]:
    """The events of a command that was not refused; none if it changed nothing."""
    assert not isinstance(outcome, Rejected | Duplicate), outcome
    return [] if outcome is None else outcome.events


def trades_of(outcome: Outcome) -> list[Trade]:
    """The matches of a command that was carried out."""
    return [event for event in events_of(outcome) if isinstance(event, Trade)]


def order_after(outcome: Outcome, order_id: int | None = None) -> OrderUpdated:
    """The last word on an order; on the one that was placed or canceled when no id is given."""
    assert isinstance(outcome, Applied), outcome
    updates = [event for event in outcome.events if isinstance(event, OrderUpdated)]
    if outcome.order is not None:
        assert [update for update in updates if update.order_id == outcome.order.order_id][-1] is outcome.order
    if order_id is None:
        assert outcome.order is not None, "a command without a primary order"
        return outcome.order
    return [update for update in updates if update.order_id == order_id][-1]


def shown(what: Venue | Outcome, market: str = "SOL_USDC") -> list[str]:
    """A venue: its price levels, asks first, each side best first. An outcome: its trades."""
    if isinstance(what, Venue):
        rules, book = what.markets[market].instrument, what.markets[market].book
        return [
            f"{name} {rules.quantity_text(level.total_lots)} @ {rules.price_text(level.price_ticks)}"
            for name, side in (("ask", book.asks), ("bid", book.bids))
            for level in side
        ]
    return [
        f"{SOL_USDC.quantity_text(t.quantity_lots)} @ {SOL_USDC.price_text(t.price_ticks)}" for t in trades_of(what)
    ]


def makers(venue: Venue, outcome: Outcome) -> list[str]:
    """Who was met, in which order."""
    return [trade.maker_user_id for trade in trades_of(outcome)]


def resting(venue: Venue, market: str = "SOL_USDC") -> list[str]:
    """Every order in the book by its owner, in priority order, asks first."""
    rules, book = venue.markets[market].instrument, venue.markets[market].book
    return [
        f"{order.user_id} {name} {rules.quantity_text(order.remaining_lots)} @ {rules.price_text(order.price_ticks)}"
        for name, side in (("ask", book.asks), ("bid", book.bids))
        for level in side
        for order in level
    ]


def status(outcome: Outcome, order_id: int | None = None) -> str:
    """Where an order stands after the command: `"partially_filled 1 of 4"`, `"expired 0 of 4, unfilled"`."""
    order = order_after(outcome, order_id)
    executed, quantity = (SOL_USDC.quantity_text(n) for n in (order.executed_lots, order.terms.quantity_lots))
    why = "" if order.expire_reason is None else f", {order.expire_reason.name.lower()}"
    return f"{order.status.name.lower()} {executed} of {quantity}{why}"


def fits(outcome: Outcome) -> bool:
    """Whether it was not refused."""
    return isinstance(outcome, Applied)


def refusal(outcome: Outcome) -> str:
    """Why the command was refused."""
    assert isinstance(outcome, Rejected), outcome
    return outcome.reason.value


def same_order(outcome: Outcome) -> int | None:
    """The order that a retry found."""
    assert isinstance(outcome, Duplicate), outcome
    return outcome.order_id


def balance(venue: Venue, text: str) -> str:
    """`"bob USDC"` has `"600"`, or `"600 + 400 locked"`."""
    user_id, symbol = text.split()
    asset, account = venue.assets[symbol], venue.ledger.account(user_id, symbol)
    locked = f" + {asset.text(account.locked)} locked" if account.locked else ""
    return asset.text(account.available) + locked


def retold(venue: Venue) -> Venue:
    """Another venue, restored from a copy of this one's state."""
    state: VenueState = copied(venue.state())
    again = Venue.restore(state)
    again.check()
    assert again.state() == venue.state()
    return again
