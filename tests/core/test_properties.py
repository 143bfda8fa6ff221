"""What holds whatever people do: random commands over several markets, and every number that text can be."""

from collections import defaultdict
from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from exchange.core.commands import (
    CancelAll,
    CancelOrder,
    Command,
    Deposit,
    OrderType,
    PlaceOrder,
    SetMarket,
    SetMarketStatus,
    Side,
    TimeInForce,
)
from exchange.core.events import (
    BalanceChanged,
    Event,
    LevelChanged,
    MarketChanged,
    MarketSet,
    OrderStatus,
    OrderUpdated,
    Trade,
    UpdateReason,
)
from exchange.core.fees import fee_minor
from exchange.core.instrument import (
    AMOUNT_MAX,
    PPM,
    UNITS_MAX,
    Asset,
    Instrument,
    InvalidInstrument,
    InvalidNumber,
    MarketStatus,
    OffGrid,
    decimal_text,
    instrument_of,
    parse_scaled,
)
from exchange.core.outcome import Applied
from exchange.core.state import OpenOrder
from exchange.core.venue import Venue
from tests.copied import copied
from tests.core.stories import do, venue_of

STEADY = settings(
    deadline=None, derandomize=True, max_examples=120, suppress_health_check=[HealthCheck.too_slow], database=None
)

FEWER = settings(STEADY, max_examples=60)

A, B, C = Asset("A", 2), Asset("B", 18), Asset("C", 0)
RULES = {
    rules.symbol: rules
    for rules in (
        instrument_of(
            "A_C",
            A,
            C,
            tick_size="100",
            lot_size="0.01",
            maker_fee="0.3",
            taker_fee="1",
            max_open_orders=3,
            fills_may_leave_nothing=True,
        ),
        instrument_of("A_B", A, B, tick_size="0.05", lot_size="0.02", min_notional="0.003", taker_fee="0.000001"),
        instrument_of(
            "B_C",
            B,
            C,
            tick_size="1",
            lot_size="1",
            maker_fee="0.1",
            taker_fee="0.25",
            max_open_orders=4,
            fills_may_leave_nothing=True,
        ),
    )
}
USERS = ("ann", "ben", "cat")


# --- numbers


@STEADY
@given(st.integers(0, AMOUNT_MAX), st.integers(0, 30))
def test_an_integer_survives_text(value: int, decimals: int) -> None:
    text = decimal_text(value, decimals)
    assert parse_scaled(text, decimals) == value
    assert not ("." in text and text.endswith(("0", ".")))
    assert not (text.startswith("0") and text != "0" and not text.startswith("0."))


@STEADY
@given(st.from_regex(r"[0-9]{1,30}(\.[0-9]{1,30})?", fullmatch=True), st.integers(0, 30))
def test_text_survives_as_an_integer_or_is_finer_than_it(text: str, decimals: int) -> None:
    whole, _, fraction = text.partition(".")
    try:
        shown = decimal_text(parse_scaled(text, decimals), decimals)
    except OffGrid:
        assert len(fraction.rstrip("0")) > decimals
        return
    fraction = fraction.rstrip("0")
    assert shown == (whole.lstrip("0") or "0") + ("." + fraction if fraction else "")


@STEADY
@given(st.text(max_size=12), st.integers(0, 18))
def test_what_is_no_number_is_never_taken_for_one(text: str, decimals: int) -> None:
    assume(not (text.isascii() and text.replace(".", "", 1).isdigit() and text[:1] != "." and text[-1:] != "."))
    try:
        parse_scaled(text, decimals)
    except InvalidNumber:
        return
    raise AssertionError(text)


@STEADY
@given(st.integers(1, UNITS_MAX - 1), st.integers(0, 12), st.integers(1, 999), st.integers(0, 12), st.integers(1, 999))
def test_every_instrument_that_is_accepted_is_exact(
    steps: int, price_decimals: int, tick: int, quantity_decimals: int, lot: int
) -> None:
    tick_size, lot_size = decimal_text(tick, price_decimals), decimal_text(lot, quantity_decimals)
    try:
        rules = instrument_of("X_Y", Asset("X", 9), Asset("Y", 6), tick_size=tick_size, lot_size=lot_size)
    except InvalidInstrument:
        return
    assert rules.ticks(rules.price_text(steps)) == rules.lots(rules.quantity_text(steps)) == steps
    assert rules.base.minor(rules.quantity_text(steps)) == steps * rules.lot_minor
    assert rules.notional_unit * 10 ** (price_decimals + quantity_decimals) == tick * lot * 10**6


@STEADY
@given(st.integers(0, AMOUNT_MAX), st.integers(0, PPM))
def test_a_fee_is_the_least_whole_number_that_is_enough(received: int, ppm: int) -> None:
    fee = fee_minor(received, ppm)
    assert fee * PPM >= received * ppm > (fee - 1) * PPM
    assert fee <= received


# --- commands

KINDS = ("order",) * 14 + ("cancel", "cancel", "cancel by name", "cancel all", "deposit", "rules", "status")
TERMS = ("gtc",) * 5 + ("ioc", "fok", "post", "market", "worst")
NAMES = (None,) * 6 + ("x", "y", "z")
STATUSES = (MarketStatus.TRADING,) * 4 + tuple(MarketStatus)


def command_of(
    kind: str, user_id: str, market: str, side: Side, terms: str, name: str | None, price: int, number: int
) -> Command:
    """One command; what `number` means depends on its kind."""
    match kind:
        case "cancel":
            return CancelOrder(user_id, market, 10 + number, None)
        case "cancel by name":
            return CancelOrder(user_id, market, None, name or "x")
        case "cancel all":
            return CancelAll(user_id, market)
        case "deposit":
            return Deposit("dan" if number > 20 else user_id, "ABC"[price % 3], number, f"key-{price}")
        case "status":
            return SetMarketStatus(market, STATUSES[number % len(STATUSES)])
        case "rules":
            return SetMarket(
                replace(RULES[market], status=STATUSES[number % len(STATUSES)], taker_fee_ppm=PPM // number)
            )
    at_market = terms in ("market", "worst")
    time_in_force = {"fok": TimeInForce.FOK, "gtc": TimeInForce.GTC, "post": TimeInForce.GTC}
    return PlaceOrder(
        user_id,
        market,
        side,
        OrderType.MARKET if at_market else OrderType.LIMIT,
        time_in_force.get(terms, TimeInForce.IOC),
        terms == "post",
        None if terms == "market" else price,
        number,
        name,
    )


commands = st.lists(
    st.builds(
        command_of,
        st.sampled_from(KINDS),
        st.sampled_from(USERS),
        st.sampled_from(tuple(RULES)),
        st.sampled_from(Side),
        st.sampled_from(TERMS),
        st.sampled_from(NAMES),
        st.integers(0, 5),
        st.integers(1, 40),
    ),
    min_size=30,
    max_size=40,
)


def stage() -> Venue:
    """Three markets in a triangle, and three users with a little of each asset."""
    venue = venue_of(*RULES.values(), people=(), venue=Venue(client_ids_max=4, keys_max=3))
    for user_id in USERS:
        for asset, amount in (("A", 300), ("B", 10**18 + 7), ("C", 500)):
            do(venue, Deposit(user_id, asset, amount, f"{user_id}:{asset}"))
    return venue


def told(venue: Venue, story: list[Command]) -> list[Event]:
    """All events of the story. `do` checks the venue after each step, and that refusals change nothing."""
    events: list[Event] = []
    for command in story:
        outcome = do(venue, command)
        if isinstance(outcome, Applied):
            events += outcome.events
    return events


@FEWER
@given(commands, commands)
def test_a_venue_and_its_restored_twin_never_differ(first: list[Command], then: list[Command]) -> None:
    venue = stage()
    told(venue, first)
    twin = Venue.restore(copied(venue.state()), client_ids_max=4, keys_max=3)
    assert twin.state() == venue.state()
    assert told(twin, then) == told(venue, then)
    assert twin.state() == venue.state()


@FEWER
@given(commands)
def test_all_accounts_of_an_asset_sum_to_zero(story: list[Command]) -> None:
    venue = stage()
    told(venue, story)
    total: dict[str, int] = defaultdict(int)
    for account in venue.ledger.accounts():
        total[account.asset] += account.available + account.locked
    assert set(total.values()) == {0}


@STEADY
@given(commands)
def test_what_the_events_say_is_what_the_venue_holds(story: list[Command]) -> None:
    venue = stage()
    events = told(venue, story)
    levels: dict[tuple[str, Side, int], int] = {}
    accounts = {(a.user_id, a.asset): (a.available_minor, a.locked_minor) for a in stage().state().accounts}
    open_orders: dict[int, OrderUpdated] = {}
    counted: dict[str, int] = defaultdict(int)
    for event in events:
        match event:
            case LevelChanged(market, side, price_ticks, total_lots, book_sequence):
                counted[market] += 1
                assert book_sequence == counted[market]
                levels[market, side, price_ticks] = total_lots
            case BalanceChanged(user_id, asset, available, locked):
                accounts[user_id, asset] = (available, locked)
            case OrderUpdated(order_id=order_id):
                open_orders[order_id] = event
    for symbol, running in venue.markets.items():
        assert running.book.sequence == counted[symbol]
        for side in Side:
            depth = sorted((p, lots) for (m, s, p), lots in levels.items() if (m, s) == (symbol, side) and lots)
            assert depth == sorted(running.book.sides[side].depth(1000))
    assert accounts == {(a.user_id, a.asset): (a.available_minor, a.locked_minor) for a in venue.state().accounts}
    still = {i: o for i, o in open_orders.items() if o.status <= OrderStatus.PARTIALLY_FILLED}
    assert {(i, o.terms.market, o.executed_lots, o.executed_quote_minor, o.updated_ns) for i, o in still.items()} == {
        (o.order_id, o.terms.market, o.executed_lots, o.executed_quote_minor, o.updated_ns)
        for o in venue.state().orders
    }


@FEWER
@given(commands)
def test_every_channel_counts_its_events_without_holes(story: list[Command]) -> None:
    venue = stage()
    counted: dict[tuple[str, str], int] = defaultdict(int)
    counted.update({(user_id, "balances"): 3 for user_id in USERS})
    for command in story:
        outcome = do(venue, command)
        changed: dict[str, int] = {}
        events = outcome.events if isinstance(outcome, Applied) else []
        for event in events:
            match event:
                case OrderUpdated(terms=terms, orders_sequence=sequence):
                    counted[terms.user_id, "orders"] += 1
                    assert sequence == counted[terms.user_id, "orders"]
                case Trade(market=market, market_trade_id=sequence):
                    counted[market, "trades"] += 1
                    assert sequence == counted[market, "trades"]
                case MarketChanged():
                    counted[event.market, "depth"] += any(isinstance(one, LevelChanged) for one in events)
                    assert event.status is venue.markets[event.market].instrument.status
                    assert event.depth_sequence == counted[event.market, "depth"]
                    assert event.trade_sequence == counted[event.market, "trades"]
                    book = venue.markets[event.market].book
                    assert ([event.best_bid] if event.best_bid else []) == book.bids.depth(1)
                    assert ([event.best_ask] if event.best_ask else []) == book.asks.depth(1)
                case BalanceChanged(user_id=user_id):
                    assert event.orders_sequence == counted[user_id, "orders"]
                    assert changed.setdefault(user_id, event.balances_sequence) == event.balances_sequence
        for user_id, sequence in changed.items():
            if not user_id.startswith("@"):
                counted[user_id, "balances"] += 1
                assert sequence == counted[user_id, "balances"]


@STEADY
@given(commands)
def test_orders_and_fees_are_what_the_trades_say(story: list[Command]) -> None:
    venue = stage()
    events = told(venue, story)
    rules, executed, fees = dict(RULES), defaultdict[int, list[int]](lambda: [0, 0]), defaultdict[str, int](int)
    last: dict[int, OrderUpdated] = {}
    trade_ids = 0
    for event in events:
        if isinstance(event, MarketSet):
            rules[event.instrument.symbol] = event.instrument
        elif isinstance(event, Trade):
            trade_ids += 1
            assert event.trade_id == trade_ids
            _judge_trade(event, rules[event.market], last, fees)
            for order_id in (event.maker_order_id, event.taker_order_id):
                executed[order_id][0] += event.quantity_lots
                executed[order_id][1] += event.quote_minor
        elif isinstance(event, OrderUpdated):
            last[event.order_id] = event
            assert [event.executed_lots, event.executed_quote_minor] == executed[event.order_id]
            assert (event.status is OrderStatus.FILLED) == (event.executed_lots == event.terms.quantity_lots)
            assert (event.trade is not None) == (event.reason is UpdateReason.FILLED)
    for asset in "ABC":
        assert venue.ledger.account("@fees", asset).available == fees[asset]


def _judge_trade(trade: Trade, rules: Instrument, last: dict[int, OrderUpdated], fees: dict[str, int]) -> None:
    maker, taker = last[trade.maker_order_id], last[trade.taker_order_id]
    assert trade.price_ticks == maker.terms.price_ticks
    limit = taker.terms.price_ticks
    buying = trade.taker_side is Side.BUY
    assert limit is None or (trade.price_ticks <= limit if buying else trade.price_ticks >= limit)
    assert maker.terms.user_id != taker.terms.user_id
    assert maker.terms.side != taker.terms.side == trade.taker_side
    assert not taker.terms.post_only
    assert trade.quote_minor == trade.price_ticks * trade.quantity_lots * rules.notional_unit
    base_minor = trade.quantity_lots * rules.lot_minor
    to_taker, to_maker = (base_minor, trade.quote_minor) if buying else (trade.quote_minor, base_minor)
    assert trade.taker_fee_minor == fee_minor(to_taker, rules.taker_fee_ppm) <= to_taker
    assert trade.maker_fee_minor == fee_minor(to_maker, rules.maker_fee_ppm) <= to_maker
    received = (rules.base.symbol, rules.quote.symbol) if buying else (rules.quote.symbol, rules.base.symbol)
    fees[received[0]] += trade.taker_fee_minor
    fees[received[1]] += trade.maker_fee_minor


@STEADY
@given(commands)
def test_orders_meet_whom_a_naive_book_would_have_them_meet(story: list[Command]) -> None:
    venue = stage()
    for command in story:
        resting = venue.state().orders
        outcome = do(venue, command)
        if isinstance(command, PlaceOrder) and isinstance(outcome, Applied):
            trades = [event for event in outcome.events if isinstance(event, Trade)]
            met = [(trade.maker_order_id, trade.quantity_lots) for trade in trades]
            assert met == _naive_matches(command, resting)


def _naive_matches(order: PlaceOrder, resting: list[OpenOrder]) -> list[tuple[int, int]]:
    """Price-time priority in so many words: look at every order there is, best price first, then the oldest."""
    sign = 1 if order.side is Side.BUY else -1
    others = [other for other in resting if other.terms.market == order.market and other.terms.side != order.side]
    matches, wanted = [], order.quantity_lots
    for other in sorted(others, key=lambda other: (sign * (other.terms.price_ticks or 0), other.priority)):
        price = other.terms.price_ticks or 0
        beyond = order.price_ticks is not None and sign * (price - order.price_ticks) > 0
        if beyond or wanted == 0 or other.terms.user_id == order.user_id:
            break
        lots = min(wanted, other.terms.quantity_lots - other.executed_lots)
        matches.append((other.order_id, lots))
        wanted -= lots
    return [] if wanted and order.time_in_force is TimeInForce.FOK else matches
