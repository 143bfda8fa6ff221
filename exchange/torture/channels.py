"""Judges the messages of sockets: counts without holes, the public trades, books that agree, no invented event."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from exchange.client import Depth, Json
from exchange.torture.findings import Finding, lost, wrong
from exchange.torture.record import Heard, History

STATES = ("depth", "orders", "balances")  # these begin with a snapshot, which has the count of the subscription
OPEN = ("pending", "open", "partially_filled")

Side = dict[str, str]
Claim = tuple[str, Side, Side]  # source, bids, asks
Claims = dict[tuple[str, int], list[Claim]]  # of a market's book at a last_sequence
Feeds = dict[tuple[str, str], list[Heard]]  # by follower and channel


def check(history: History) -> list[Finding]:
    """All findings about channels."""
    feeds: defaultdict[tuple[str, str], list[Heard]] = defaultdict(list)
    for heard in history.heard:
        feeds[heard.follower, heard.channel].append(heard)
    return [
        *_counts(feeds),
        *_tape(history, feeds),
        *_books(history, feeds),
        *_private(history, feeds),
        *_book_of_orders(history),
    ]


def _kind(channel: str) -> tuple[str, str]:
    kind, _, subject = channel.partition("@")
    return kind, subject


def _counts(feeds: Feeds) -> Iterator[Finding]:
    """A channel counts without holes, also across restarts, and never counts backwards."""
    for (follower, channel), messages in feeds.items():
        what = f"{channel} of {follower}"
        last, sequence, begins = None, 0, False
        for heard in messages:
            if heard.data is None:
                if last is not None and heard.channel_sequence < last:
                    yield lost(f"{what} had counted to {last}, and went back to {heard.channel_sequence}")
                last, begins = heard.channel_sequence, _kind(channel)[0] in STATES
                continue
            if last is None:
                yield wrong(f"{what} sent an event before it was subscribed")
                last = heard.channel_sequence
            elif begins:
                if heard.channel_sequence != last:
                    yield wrong(f"{what} begins with {heard.channel_sequence}, and was subscribed at {last}")
            elif heard.first_channel_sequence > last + 1:
                yield lost(f"{what} went from {last} to {heard.first_channel_sequence}")
            elif heard.first_channel_sequence <= last:
                yield wrong(f"{what} went from {last} to {heard.first_channel_sequence}, and has been there")
            if heard.sequence < sequence:
                yield wrong(f"{what} went back from sequence {sequence} to {heard.sequence}")
            last, begins, sequence = heard.channel_sequence, False, heard.sequence


def _tape(history: History, feeds: Feeds) -> Iterator[Finding]:
    """The n-th event of a trade channel is the market's n-th trade."""
    for (follower, channel), messages in feeds.items():
        kind, market = _kind(channel)
        if kind != "trade":
            continue
        trades = history.final.trades.get(market, [])
        for heard in messages:
            if heard.data is None:
                if heard.channel_sequence > len(trades):
                    yield lost(f"{channel} has counted {heard.channel_sequence}, and the tape has {len(trades)} trades")
                continue
            if heard.channel_sequence > len(trades):
                yield lost(f"trade {heard.data['trade_id']} was heard by {follower}, and is not on the tape")
                continue
            trade = dict(trades[heard.channel_sequence - 1])
            for name in heard.data:
                if trade.get(name) != heard.data[name]:
                    yield wrong(
                        f"{channel} number {heard.channel_sequence} was heard with {name} {heard.data[name]}, and is "
                        f"on the tape with {trade.get(name)}"
                    )


# --- books


def _sides(levels: Json | Depth) -> tuple[Side, Side]:
    return dict(levels["bids"]), dict(levels["asks"])


def _books(history: History, feeds: Feeds) -> Iterator[Finding]:
    """At the same count, every snapshot, every sum of diffs and every read shows the same book."""
    claims: Claims = defaultdict(list)
    last: dict[str, int] = {}
    for depth in (*history.depths, *history.final.depths):
        claims[depth["market"], depth["last_sequence"]].append(("GET /depth", *_sides(depth)))
        if depth["last_sequence"] < last.get(depth["market"], 0):
            yield lost(f"the book of {depth['market']} went back to {depth['last_sequence']}")
        last[depth["market"]] = depth["last_sequence"]
    depths = {key: messages for key, messages in feeds.items() if _kind(key[1])[0] == "depth"}
    for (follower, channel), messages in depths.items():
        for heard in messages:
            if heard.data is not None and heard.data["type"] == "snapshot":
                key = (_kind(channel)[1], heard.data["last_sequence"])
                claims[key].append((f"a snapshot of {follower}", *_sides(heard.data)))
    for (market, sequence), said in claims.items():
        for who, bids, asks in said[1:]:
            if (bids, asks) != said[0][1:]:
                yield wrong(f"the book of {market} at {sequence} is one in {said[0][0]}, another in {who}")
    for (follower, channel), messages in depths.items():
        yield from _folded(follower, _kind(channel)[1], messages, claims)


def _folded(follower: str, market: str, messages: Sequence[Heard], claims: Claims) -> Iterator[Finding]:
    bids: Side = {}
    asks: Side = {}
    last = 0
    for heard in messages:
        data = heard.data
        if data is None:
            continue
        if data["type"] == "snapshot":
            if data["last_sequence"] < last:
                yield lost(
                    f"the book of {market} was at {last}, and a snapshot of {follower} at {data['last_sequence']}"
                )
            elif data["last_sequence"] == last and (bids, asks) != _sides(data):
                yield wrong(f"the book of {market} at {last} came back to {follower} as another")
            bids, asks = _sides(data)
        else:
            if data["first_sequence"] != last + 1:
                yield lost(f"the diffs of {market} went from {last} to {data['first_sequence']} for {follower}")
            for levels, changes in ((bids, data["bids"]), (asks, data["asks"])):
                _change(levels, changes)
            for who, *sides in claims.get((market, data["last_sequence"]), ()):
                if [bids, asks] != sides:
                    yield wrong(
                        f"the book of {market} at {data['last_sequence']}, by the diffs that {follower} had, is not "
                        f"that of {who}"
                    )
        last = data["last_sequence"]


def _change(levels: Side, changes: Sequence[tuple[str, str]]) -> None:
    for price, quantity in changes:
        if quantity == "0":
            levels.pop(price, None)
        else:
            levels[price] = quantity


def _book_of_orders(history: History) -> Iterator[Finding]:
    """A book is the sum of what its open orders have left."""
    for depth in history.final.depths:
        market = depth["market"]
        sides: dict[str, defaultdict[Decimal, Decimal]] = {"buy": defaultdict(Decimal), "sell": defaultdict(Decimal)}
        for order in history.final.open_orders:
            if order.market == market and order.status != "pending":
                assert order.standing_price is not None
                gone = Decimal(order.executed_quantity) + Decimal(order.prevented_quantity or 0)
                sides[order.side][Decimal(order.standing_price)] += Decimal(order.quantity) - gone
        for side, shown in (("buy", depth["bids"]), ("sell", depth["asks"])):
            if {Decimal(price): Decimal(quantity) for price, quantity in shown} != sides[side]:
                yield wrong(f"the {side} side of the book of {market} is not what its open orders have left")
    for depth in history.final.depths:
        if depth["bids"] and depth["asks"] and Decimal(depth["bids"][0][0]) >= Decimal(depth["asks"][0][0]):
            yield wrong(f"the book of {depth['market']} is crossed")


# --- orders and balances of a user


def _private(history: History, feeds: Feeds) -> Iterator[Finding]:
    """Every order update agrees with the final orders; the last messages about balances and open orders are the final
    state."""
    orders = {order.order_id: order for order in history.final.orders}
    fills = {(fill.user_id, fill.trade_id) for fill in history.final.fills}
    for (follower, channel), messages in feeds.items():
        kind, user_id = _kind(channel)
        if kind == "orders":
            open_orders: dict[str, str] = {}
            for heard in messages:
                for row in (heard.data or {}).get("orders", ()):
                    if row["order_id"] not in orders:
                        yield lost(f"order {row['order_id']} was heard of by {follower}, and is not there")
                    if row["trade_id"] is not None and (user_id, row["trade_id"]) not in fills:
                        yield lost(f"fill {row['trade_id']} was heard of by {follower}, and is not there")
                _fold_orders(open_orders, heard.data)
            shown = {o.order_id: o.executed_quantity for o in history.final.open_orders if o.user_id == user_id}
            if open_orders != shown:
                yield wrong(f"the open orders of {user_id} as {follower} has heard are not those that are shown")
        elif kind == "balances":
            balances: dict[str, tuple[str, str]] = {}
            for heard in messages:
                if heard.data is not None:
                    for row in heard.data["balances"]:
                        balances[row["asset"]] = (row["available"], row["locked"])
            final = {b["asset"]: (b["available"], b["locked"]) for b in history.final.balances.get(user_id, ())}
            if balances != final:
                yield wrong(f"the balances of {user_id} were last heard as {balances}, and are {final}")


def _fold_orders(open_orders: dict[str, str], data: Json | None) -> None:
    if data is None:
        return
    if data["type"] == "snapshot":
        open_orders.clear()
    for row in data["orders"]:
        if row["status"] in OPEN:
            open_orders[row["order_id"]] = row["executed_quantity"]
        else:
            open_orders.pop(row["order_id"], None)
