"""Market stories for the judge: whom hypothesis lets do what.

Most wishes are made so that they come true and meet: few users, few markets, prices of a handful of ticks. The rest
is what people do wrong, and numbers at the ends of their ranges.
"""

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from exchange.core.commands import (
    AddUser,
    CancelAll,
    CancelOrder,
    Deposit,
    OrderType,
    PassTime,
    PlaceOrder,
    SetMarket,
    Side,
    TimeInForce,
)
from exchange.core.instrument import AMOUNT_MAX, UNITS_MAX, Asset, Instrument, MarketStatus, instrument_of
from tests.judge import Judge

CASH, COIN, GEM = Asset("CASH", 2), Asset("COIN", 4), Asset("GEM", 0)
WEI, ORE = Asset("WEI", 18), Asset("ORE", 18)
MARKETS = (
    instrument_of("COIN_CASH", COIN, CASH, tick_size="0.5", lot_size="0.02", maker_fee="0.001", taker_fee="0.003"),
    instrument_of("GEM_CASH", GEM, CASH, tick_size="0.01", lot_size="1", min_notional="0.07", taker_fee="0.25"),
    instrument_of("GEM_COIN", GEM, COIN, tick_size="0.0001", lot_size="3", maker_fee="1", max_open_orders=3),
    instrument_of("WEI_ORE", WEI, ORE, tick_size="0.000000001", lot_size="0.000000001", maker_fee="0.000001"),
    instrument_of("ORE_WEI", ORE, WEI, tick_size="0.1", lot_size="100", taker_fee="0.000001", max_open_orders=5),
)
ASSETS = (CASH, COIN, GEM, WEI, ORE)
USERS = ("ann", "ben", "cat")
SOON_NS = (0, 1, 1, 1, 1_000_000, 20 * 10**9, 61 * 10**9, 5 * 3600 * 10**9)

# The first is what hypothesis makes of a step that a failure does not need.
KINDS = (
    ("nothing",)
    + ("order",) * 24
    + (
        "cancel",
        "cancel",
        "cancel name",
        "retry",
        "cancel all",
        "deposit",
        "rules",
        "restart",
        "odd",
        "time",
        "exact",
        "exact",
    )
)
TERMS = ("gtc",) * 14 + ("ioc", "ioc", "fok", "fok", "post", "post", "market", "market", "worst")
NAMES = (None,) * 15 + ("v", "w", "x", "y", "z")


@dataclass(frozen=True)
class Wish:
    """One step of a story before it is known what is open; what `lots` and `price` mean depends on the kind."""

    kind: str
    user: str
    market: int
    side: Side
    terms: str
    price: int
    lots: int
    name: str | None
    soon: int


@dataclass(frozen=True)
class Story:
    """Who comes with how much of each asset, and what they do."""

    markets: tuple[int, ...]
    funds: tuple[int, ...]
    wishes: tuple[Wish, ...]


# None, few, many, almost all that there may be, and so little that an order may well cost exactly that.
FUNDS: tuple[dict[str, int], ...] = (
    {},
    {"CASH": 900, "COIN": 2_000, "GEM": 9, "WEI": 10**18, "ORE": 10**18},
    {"CASH": 10**6, "COIN": 10**7, "GEM": 10**4, "WEI": 10**22, "ORE": 10**22},
    {"CASH": 10**6, "COIN": 10**7, "GEM": 10**4, "WEI": 10**38 - 10**20, "ORE": 10**38 - 10**20},
    {"CASH": 12, "COIN": 600, "GEM": 9, "WEI": 12 * 10**19, "ORE": 4 * 10**20},
)


def wish_of(what: int, how: int, markets: tuple[int, ...]) -> Wish:
    """Each choice is a digit of one of two numbers: faster to draw than one by one, and evenly spread."""
    what, kind = divmod(what, len(KINDS))
    what, name = divmod(what, len(NAMES))
    how, side = divmod(how, 2)
    how, user = divmod(how, len(USERS))
    how, lots = divmod(how, 9)
    how, price = divmod(how, 6)
    how, market = divmod(how, len(markets))
    return Wish(
        KINDS[kind],
        USERS[user],
        markets[market],
        Side(side),
        TERMS[how % len(TERMS)],
        price + 1,
        lots + 1,
        NAMES[name],
        what % len(SOON_NS),
    )


WHAT_MAX = len(KINDS) * len(NAMES) * len(SOON_NS) - 1
HOW_MAX = 2 * len(USERS) * 9 * 6 * 3 * len(TERMS) - 1  # of at most three markets


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Stories of one, two or three markets that share funds."""
    markets = draw(st.sampled_from(((0,), (1,), (0, 1, 2), (2, 1), (3, 4), (4,))))
    funds = tuple(draw(st.sampled_from((2,) * 6 + (1, 3, 0, 4, 4))) for _ in USERS)
    steps = draw(st.lists(st.tuples(st.integers(0, WHAT_MAX), st.integers(0, HOW_MAX)), min_size=25, max_size=60))
    return Story(markets, funds, tuple(wish_of(what, how, markets) for what, how in steps))


def tell(story: Story) -> Judge:
    """Let the story happen before the judge."""
    judge = Judge([MARKETS[market] for market in story.markets], client_ids_max=4, deposits_max=2)
    assets = {asset.symbol for market in story.markets for asset in (MARKETS[market].base, MARKETS[market].quote)}
    for user, funds in zip(USERS, story.funds, strict=True):
        judge.do(AddUser(user))
        for symbol, amount in FUNDS[funds].items():
            if symbol in assets:
                judge.do(Deposit(user, symbol, amount, f"{user}'s first {symbol}"))
    for wish in story.wishes:
        grant(judge, wish)
    return judge


def grant(judge: Judge, wish: Wish) -> None:
    """Make a wish a command, by what is there now."""
    rules, later_ns = MARKETS[wish.market], SOON_NS[wish.soon]
    open_orders = [order for order in judge.model.resting if order.terms.user_id == wish.user or wish.lots == 9]
    match wish.kind:
        case "nothing":
            pass
        case "time":
            judge.do(PassTime(), later_ns)
        case "restart":
            judge.restart()
        case "cancel" if open_orders:
            order = open_orders[wish.price % len(open_orders)]
            judge.do(CancelOrder(wish.user, order.terms.market, order.number, None), later_ns)
        case "cancel name":
            named = [order.terms for order in open_orders if order.terms.client_order_id]
            market, name = (named[0].market, named[0].client_order_id) if named else (rules.symbol, "x")
            judge.do(CancelOrder(wish.user, market, None, name), later_ns)
        case "cancel all":
            judge.do(CancelAll(wish.user, rules.symbol), later_ns)
        case "retry" if judge.model.orders:
            judge.do(_retry(judge, wish), later_ns)
        case "deposit":
            judge.do(_deposit(rules, wish), later_ns)
        case "rules":
            judge.do(SetMarket(_changed(judge.model.rules[rules.symbol], wish)), later_ns)
        case "exact":
            exactly(judge, rules, wish)
        case "odd":
            judge.do(_odd(_order(rules, wish), wish), later_ns)
        case _:
            judge.do(_order(rules, wish), later_ns)


def exactly(judge: Judge, rules: Instrument, wish: Wish) -> None:
    """A market buy at the very end of the user's money, or a market order that is worth just what it must be."""
    model, order = judge.model, _order(rules, replace(wish, terms="market"))
    meets, _ = model.meetings(order)
    worth = sum(maker.limit * lots for maker, lots in meets) * model.worth_of(rules.symbol)[1]
    if wish.price <= 3:
        judge.do(SetMarket(replace(model.rules[rules.symbol], min_notional_minor=worth + wish.price // 3)))
    elif meets and order.side is Side.BUY:
        short = worth - model.available(wish.user, rules.quote.symbol)
        if short > 0:
            judge.do(Deposit(wish.user, rules.quote.symbol, short, f"exactly {len(model.deposits)}"))
        order = replace(order, quantity_lots=order.quantity_lots + wish.price // 6)
    judge.do(order, SOON_NS[wish.soon])


def _order(rules: Instrument, wish: Wish) -> PlaceOrder:
    at_market = wish.terms in ("market", "worst")
    times = {"gtc": TimeInForce.GTC, "post": TimeInForce.GTC, "fok": TimeInForce.FOK}
    return PlaceOrder(
        wish.user,
        rules.symbol,
        wish.side,
        OrderType.MARKET if at_market else OrderType.LIMIT,
        times.get(wish.terms, TimeInForce.IOC),
        wish.terms == "post",
        None if wish.terms == "market" else wish.price,
        wish.lots,
        wish.name,
    )


def _retry(judge: Judge, wish: Wish) -> PlaceOrder:
    """One of the last orders again, or with one thing changed."""
    named = [order.terms for order in judge.model.orders if order.terms.client_order_id] or [
        judge.model.orders[-1].terms
    ]
    terms = named[-1 - wish.price % min(len(named), 6)]
    changes: dict[int, dict[str, object]] = {
        1: {"quantity_lots": terms.quantity_lots + 1},
        2: {"user_id": wish.user},
        3: {"market": MARKETS[wish.market].symbol},
        4: {"side": wish.side},
    }
    return replace(terms, **changes.get(wish.lots, {}))  # type: ignore[arg-type]


def _deposit(rules: Instrument, wish: Wish) -> Deposit:
    asset = rules.base if wish.side is Side.SELL else rules.quote
    amount = (0, AMOUNT_MAX, AMOUNT_MAX - 1, AMOUNT_MAX // 2)[wish.price % 4] if wish.lots == 9 else wish.lots * 50
    key = f"{'config:' if wish.lots == 7 else ''}key {wish.terms}"
    return Deposit("dan" if wish.lots == 8 else wish.user, asset.symbol, amount, key)


def _changed(rules: Instrument, wish: Wish) -> Instrument:
    match wish.lots:
        case 1 | 2 | 3:
            return replace(rules, maker_fee_ppm=wish.price * 1_001, taker_fee_ppm=wish.price * 150_000)
        case 4:
            return replace(rules, status=MarketStatus.HALTED)
        case 5:
            return replace(rules, max_open_orders=wish.price)
        case 6:
            return replace(rules, min_notional_minor=wish.price * rules.notional_unit * 3)
    return replace(rules, status=MarketStatus.TRADING)


def _odd(order: PlaceOrder, wish: Wish) -> PlaceOrder:
    """An order at the end of some range, or of somebody or somewhere unknown."""
    huge = (UNITS_MAX, UNITS_MAX - 1, 0, UNITS_MAX // 2, 10**12, UNITS_MAX // 7)[wish.price - 1]
    match wish.lots:
        case 1:
            return replace(order, user_id="nobody")
        case 2:
            return replace(order, market="NO_WHERE")
        case 3 | 4 | 5:
            return replace(order, quantity_lots=huge)
        case 6 if order.price_ticks is not None:
            return replace(order, price_ticks=huge)
        case 7 if order.price_ticks is not None:
            return replace(order, price_ticks=huge, quantity_lots=huge)
    return replace(order, quantity_lots=10**12)
