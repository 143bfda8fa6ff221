"""What each kind of participant does, given what it sees."""

from random import Random

from exchange.demo.kinds.arbitrageur import Arbitrageur
from exchange.demo.kinds.maker import POSITION_MAX, Maker
from exchange.demo.kinds.noise import Noise
from exchange.demo.kinds.participant import Participant
from exchange.demo.kinds.slicer import SLICES, Slicer
from exchange.demo.kinds.trend import Momentum, Reversion
from exchange.demo.seen import BookSeen, Cancel, Seen
from tests.demo.stories import BTC, FAIR, book, holds, placed, seen, shown, terms


def maker() -> Maker:
    return Maker("maker", BTC, Random(1))


def test_a_maker_quotes_both_sides_around_the_fair_price_and_leaves_what_is_still_right() -> None:
    first = maker()
    quotes = placed(first.decide(seen()))
    bids = [quote.price_ticks for quote in quotes if quote.side == "buy"]
    asks = [quote.price_ticks for quote in quotes if quote.side == "sell"]
    assert FAIR - 5 <= max(bids) < FAIR < min(asks) <= FAIR + 5
    assert all(quote.rests for quote in quotes)
    assert first.decide(seen(1.0)) == []


def test_a_maker_moves_its_quotes_with_the_price_and_keeps_the_deep_ones() -> None:
    first = maker()
    quotes = placed(first.decide(seen()))
    decisions = first.decide(seen(1.0, BTC_USDC=book(fair=FAIR + 10)))
    canceled = {decision.client_order_id for decision in decisions if isinstance(decision, Cancel)}
    prices = {quote.client_order_id: quote.price_ticks for quote in quotes}
    assert prices[quotes[0].client_order_id] == max(q.price_ticks for q in quotes if q.side == "buy")
    assert quotes[0].client_order_id in canceled
    assert len(canceled) < len(quotes)


def test_a_maker_places_again_what_was_filled() -> None:
    first = maker()
    quote = placed(first.decide(seen()))[0]
    first.ended(quote.client_order_id)
    (again,) = placed(first.decide(seen(1.0)))
    assert (again.side, again.price_ticks) == (quote.side, quote.price_ticks)


def test_a_maker_that_holds_much_quotes_lower_and_at_its_limit_buys_from_afar_only() -> None:
    usual, full = maker(), maker()
    holds(full, POSITION_MAX * BTC.usual_lots)
    best = [
        max(quote.price_ticks for quote in placed(one.decide(seen())) if quote.side == "buy") for one in (usual, full)
    ]
    assert best[1] < best[0] - 5


def test_makers_quote_less_and_further_away_in_a_thin_book() -> None:
    usual, thin = placed(maker().decide(seen())), placed(maker().decide(seen(scenario="thin-book")))
    assert sum(quote.quantity_lots for quote in thin) < sum(quote.quantity_lots for quote in usual) / 5
    assert min(q.price_ticks for q in thin if q.side == "sell") > min(q.price_ticks for q in usual if q.side == "sell")


def rising(participant: Participant) -> list[str]:
    """What a participant does at the end of a steep rise."""
    did: list[str] = []
    for step in range(60):
        price = FAIR + (step - 40) * 10 if step > 40 else FAIR
        did = shown(participant.decide(seen(step * 4.0, BTC_USDC=book(price - 1, price + 1, fair=price)))) or did
    return did


def test_momentum_buys_what_rises_and_reversion_sells_it() -> None:
    (bought,) = rising(Momentum("m", BTC, Random(1)))
    (sold,) = rising(Reversion("r", BTC, Random(1)))
    assert bought.startswith("buy")
    assert sold.startswith("sell")


def test_noise_takes_what_is_best_on_either_side_and_nothing_of_an_empty_book() -> None:
    noise = Noise("n", BTC, Random(1))
    orders = [order for step in range(100) for order in placed(noise.decide(seen(step)))]
    assert {order.side for order in orders} == {"buy", "sell"}
    assert not any(order.rests for order in orders)
    assert noise.decide(Seen(0.0, {"BTC_USDC": BookSeen([], [], FAIR)}, seen().scenario, 1.0)) == []


def test_noise_mostly_sells_in_a_crash() -> None:
    noise = Noise("n", BTC, Random(1))
    orders = [order for step in range(400) for order in placed(noise.decide(seen(step, scenario="crash")))]
    assert sum(order.side == "sell" for order in orders) > 0.55 * len(orders)


def test_a_large_order_is_worked_in_slices_of_one_side() -> None:
    slicer = Slicer("s", BTC, Random(3))
    sides: list[str] = []
    for step in range(5000):
        decisions = placed(slicer.decide(seen(step * 2.0)))
        if not decisions and sides:
            break
        sides += [order.side for order in decisions]
    assert SLICES[0] <= len(sides) <= SLICES[1]
    assert len(set(sides)) == 1


def test_an_arbitrageur_goes_round_where_that_pays_and_ends_with_what_it_began_with() -> None:
    eth, cross = terms("ETH_USDC"), terms("ETH_BTC")
    one = Arbitrageur("a", BTC, eth, cross, Random(1))
    level = BookSeen([(59_999, 10_000)], [(60_001, 10_000)], 60_000.0)
    cheap = BookSeen([(29_900, 50_000)], [(29_902, 50_000)], 29_901.0)
    usual = BookSeen([(24_999, 400)], [(25_001, 400)], 25_000.0)
    decisions = one.decide(seen(BTC_USDC=level, ETH_USDC=cheap, ETH_BTC=usual))
    assert [text.partition(" ")[0] + " " + text.rpartition(" ")[2] for text in shown(decisions)] == [
        "buy ETH_USDC",
        "sell ETH_BTC",
        "sell BTC_USDC",
    ]
    bought, sold, _ = placed(decisions)
    assert abs(bought.quantity_lots * 0.0001 - sold.quantity_lots * 0.01) < 0.01
    fair = BookSeen([(29_999, 50_000)], [(30_001, 50_000)], 30_000.0)
    assert one.decide(seen(BTC_USDC=level, ETH_USDC=fair, ETH_BTC=usual)) == []
