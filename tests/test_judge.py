"""An independent judge of the core: the model's word against the venue's, over stories that hypothesis makes up."""

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exchange.core import (
    administration,
    amend,
    amendments,
    band,
    client_ids,
    commands,
    conditions,
    events,
    fee_tiers,
    following,
    instrument,
    market,
    matching,
    money,
    pegs,
    prevention,
    refusal,
    settlement,
    timers,
    venue,
    venue_filters,
)
from exchange.core import replace as replacing
from exchange.core.amendments import Reductions
from exchange.core.book import Book, Order, Trader
from exchange.core.commands import Command, OrderType, PlaceOrder, ReplaceMode, ReplaceOrder, Side
from exchange.core.conditions import SelfTrade
from exchange.core.deadlines import Deadlines
from exchange.core.effects import Effects
from exchange.core.events import OrderUpdated, Rejected, RejectReason, Trade, UpdateReason
from exchange.core.full_market import FullMarket
from exchange.core.instrument import PPM, Instrument, TierFees
from exchange.core.market import Market
from exchange.core.matching import Plan, crosses, plan_for_quote
from exchange.core.outcome import Applied, Outcome
from exchange.core.trailing import Trail
from exchange.core.triggers import Triggers
from exchange.core.venue import Venue
from tests import (
    model,
    model_admin,
    model_amend,
    model_endings,
    model_filters,
    model_known,
    model_lists,
    model_money,
    model_pegs,
    model_records,
    model_replace,
    model_tiers,
    model_waiting,
)
from tests.judging import STORIES_MAX, Error, assert_caught, of_sources, planted, verdict_on

STORIES = 400


def test_the_venue_does_what_the_contract_says() -> None:
    verdict, seen = verdict_on(STORIES)
    print("judged", ", ".join(f"{count} {what}" for what, count in seen.most_common()))
    if verdict is not None:
        pytest.fail(verdict, pytrace=False)
    wanted = {"WOULD_TRIGGER", "RunTriggered", "ExpireDue", "trades", "retries", "WOULD_TAKE", "OUT_OF_RANGE"}
    missing = (wanted | {"MIN_NOTIONAL", "TOO_MANY_OPEN_ORDERS"}) - set(seen)
    assert not missing, "the stories must reach what there is to judge"


# --- who judges the judge: rules broken on purpose, with the venue's own checks asleep


def keep_the_price_improvement_locked(plant: pytest.MonkeyPatch) -> None:
    rightly = Market._trade

    def trade(self: Market, taker: Order, found: Plan, now_ns: int, effects: Effects) -> None:
        rightly(self, taker, found, now_ns, effects)
        if taker.terms.side is Side.BUY and taker.terms.order_type is OrderType.LIMIT:
            better_by = taker.price_ticks * found.matched_lots - found.cost_tick_lots
            taker.trader.quote.lock(better_by * self.instrument.notional_unit)

    plant.setattr(Market, "_trade", trade)


def lose_priority_on_a_partial_fill(plant: pytest.MonkeyPatch) -> None:
    rightly = Book.reduce

    def reduce(self: Book, order: Order, lots: int) -> None:
        rightly(self, order, lots)
        if order.remaining_lots and order.following is not None:
            self.remove(order)
            self.add(order)

    plant.setattr(Book, "reduce", reduce)


def round_fees_down(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(settlement, "fee_minor", lambda received_minor, fee_ppm: received_minor * fee_ppm // PPM)


def let_post_only_take(plant: pytest.MonkeyPatch) -> None:

    def post_only_may_take(book: Book, terms: PlaceOrder) -> bool:
        return not terms.post_only and crosses(book, terms)

    plant.setattr(refusal, "crosses", post_only_may_take)


def give_the_sequence_as_id(plant: pytest.MonkeyPatch) -> None:
    rightly = Venue.apply

    def apply(self: Venue, command: Command, sequence: int, now_ns: int) -> Outcome:
        self.counts.last_order_id = sequence - 1
        return rightly(self, command, sequence, now_ns)

    plant.setattr(Venue, "apply", apply)


def begin_an_aggregate_a_trade(plant: pytest.MonkeyPatch) -> None:
    rightly = Market._trade_event

    def trade_event(self: Market, *of: Any) -> Trade:
        trade = rightly(self, *of)
        trade.aggregate_id = self._last_aggregate_id = trade.market_trade_id
        return trade

    plant.setattr(Market, "_trade_event", trade_event)


def answer_with_the_accepted_order(plant: pytest.MonkeyPatch) -> None:
    rightly = Market.place

    def place(self: Market, *of: Any) -> Applied | Rejected:
        outcome = rightly(self, *of)
        if isinstance(outcome, Applied):
            outcome.order = next(event for event in outcome.events if isinstance(event, OrderUpdated))
        return outcome

    plant.setattr(Market, "place", place)


def keep_locked_what_was_prevented(plant: pytest.MonkeyPatch) -> None:
    rightly = prevention._prevent_maker

    def prevent_maker(market: Market, maker: Order, lots: int, *of: Any) -> None:
        gives = maker.trader.quote if maker.terms.side is Side.BUY else maker.trader.base
        before = gives.locked
        rightly(market, maker, lots, *of)
        gives.lock(before - gives.locked)

    plant.setattr(prevention, "_prevent_maker", prevent_maker)


def let_the_makers_mode_decide(plant: pytest.MonkeyPatch) -> None:
    rightly = Plan.meets_own

    def meets_own(self: Plan, maker: Order, mode: SelfTrade, left_lots: int) -> bool:
        conditions = maker.terms.conditions
        theirs = None if conditions is None else conditions.self_trade
        return rightly(self, maker, mode if theirs is None else theirs, left_lots)

    plant.setattr(Plan, "meets_own", meets_own)


def spend_more_than_the_sum(plant: pytest.MonkeyPatch) -> None:
    rightly = plan_for_quote

    def plan_otherwise(book: Book, terms: PlaceOrder, fills: int, limit: int | None, sum_max: int, *of: Any) -> Plan:
        return rightly(book, terms, fills, limit, sum_max + 1, *of)

    plant.setattr(band, "plan_for_quote", plan_otherwise)


def spend_no_more_after_the_first_price(plant: pytest.MonkeyPatch) -> None:
    rightly = plan_for_quote

    def plan_otherwise(book: Book, terms: PlaceOrder, fills: int, limit: int | None, *of: Any) -> Plan:
        best = (book.asks if terms.side is Side.BUY else book.bids).best
        return rightly(book, terms, fills, limit if best is None else best.price_ticks, *of)

    plant.setattr(band, "plan_for_quote", plan_otherwise)


def trigger_a_tick_late(plant: pytest.MonkeyPatch) -> None:
    rightly = Triggers.judge

    def judge(self: Triggers, price_ticks: int, trade: int, released: list[Order] | None) -> bool:
        return rightly(self, price_ticks - 1, trade, released)

    plant.setattr(Triggers, "judge", judge)


def forget_the_trades_after_one_that_triggers_very_many(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(Triggers, "later", lambda *of: None)


def enter_before_all_is_told(plant: pytest.MonkeyPatch) -> None:
    rightly = FullMarket._tell

    def tell(self: FullMarket, now_ns: int, effects: Effects) -> None:
        if effects.events or not self.triggers.ready:
            rightly(self, now_ns, effects)
        else:
            self._run(self.triggers.take(), now_ns, effects)

    plant.setattr(FullMarket, "_tell", tell)


def enter_the_last_first(plant: pytest.MonkeyPatch) -> None:
    def take(self: Triggers) -> Order:
        order_id, order = self.ready.popitem()
        del self.orders[order_id]
        return order

    plant.setattr(Triggers, "take", take)


def forget_the_tracks_that_a_price_passes(plant: pytest.MonkeyPatch) -> None:
    rightly = Trail.traded

    def traded(self: Trail, price_ticks: int, trade: int, beginning: list[Order]) -> list[int]:
        before = [track.best_ticks for track in self.tracks]
        found = rightly(self, price_ticks, trade, beginning)
        if self.tracks and before and not beginning:
            self.tracks[-1].best_ticks = before[-1]
            self._file(self.tracks[-1])
        return found

    plant.setattr(Trail, "traded", traded)


def keep_what_waited_locked(plant: pytest.MonkeyPatch) -> None:
    rightly = FullMarket._run

    def run(self: FullMarket, order: Order, *of: Any) -> None:
        gives = order.trader.quote if order.terms.side is Side.BUY else order.trader.base
        needs = self.needs_minor(order)
        rightly(self, order, *of)
        gives.lock(min(needs, gives.available))

    plant.setattr(FullMarket, "_run", run)


def end_the_latest_first(plant: pytest.MonkeyPatch) -> None:
    def due(self: Deadlines, now_ns: int) -> Order | None:
        over = [order_id for time_ns, order_id in self._times if time_ns <= now_ns]
        return self.orders[over[-1]] if over else None

    plant.setattr(Deadlines, "due", due)


def let_what_is_over_enter(plant: pytest.MonkeyPatch) -> None:
    rightly = refusal.refusal

    def never_over(rules: Any, rates: Any, average: Any, book: Any, terms: Any, trader: Any, now_ns: int) -> Any:
        return rightly(rules, rates, average, book, terms, trader, 0)

    plant.setattr(market, "refusal", never_over)


def keep_the_place_with_a_new_price(plant: pytest.MonkeyPatch) -> None:
    rightly = Market.enter

    def enter(self: Market, order: Order, found: Plan, now_ns: int, effects: Effects) -> None:
        rightly(self, order, found, now_ns, effects)
        amended = effects.events[0]
        assert isinstance(amended, OrderUpdated)
        while amended.reason is UpdateReason.AMENDED and order.previous is not None:  # to the front
            other = order.previous
            self.book.remove(other)
            self.book.add(other)

    plant.setattr(Market, "enter", enter)


def lose_the_place_with_less_quantity(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(amend, "_keeps_its_place", lambda order, changed: False)


def compare_a_retry_with_what_was_amended(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(client_ids, "as_placed", lambda terms, progress: terms)


def reduce_twice_under_one_key(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(Reductions, "find", lambda self, user_id, key: None)


def judge_an_atomic_replacement_with_the_old_order_there(plant: pytest.MonkeyPatch) -> None:
    def judged(
        market: Market, order: Order, terms: PlaceOrder, trader: Trader, mode: SelfTrade, now_ns: int
    ) -> Plan | RejectReason:
        return market.judged(terms, trader, mode, market.rates, now_ns)

    plant.setattr(replacing, "_judged_without", judged)


def place_although_the_cancel_failed(plant: pytest.MonkeyPatch) -> None:
    rightly = replacing.replace_order

    def replace_order(market: Market, command: ReplaceOrder, *of: Any) -> Applied | Rejected:
        if command.mode is ReplaceMode.STOP_ON_FAILURE:
            command = replace(command, mode=ReplaceMode.ALLOW_FAILURE)
        return rightly(market, command, *of)

    plant.setattr(venue, "replace_order", replace_order)


def keep_the_place_of_a_refill(plant: pytest.MonkeyPatch) -> None:
    def refill(self: Book, order: Order, lots: int) -> None:
        assert order.level is not None
        order.hidden_lots -= lots
        order.level.total_lots += lots

    plant.setattr(Book, "refill", refill)


def hide_from_a_fok(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(matching, "_ends_in_refills", lambda *of: False)


def peg_one_level_off(plant: pytest.MonkeyPatch) -> None:
    rightly = pegs.level_ticks
    plant.setattr(pegs, "level_ticks", lambda side, levels: rightly(side, levels and levels - 1))


def let_a_peg_pass_its_limit(plant: pytest.MonkeyPatch) -> None:
    rightly = pegs.peg_ticks
    plant.setattr(pegs, "peg_ticks", lambda book, terms: rightly(book, replace(terms, price_ticks=None)))


def count_those_that_follow(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(following, "_counts", lambda level: True)


def keep_the_place_of_what_is_priced_again(plant: pytest.MonkeyPatch) -> None:
    rightly = FullMarket._price_again

    def price_again(self: FullMarket, orders_max: int, now_ns: int, effects: Effects) -> None:
        plant.setattr(FullMarket, "_queue", lambda self, order: None)
        rightly(self, orders_max, now_ns, effects)
        plant.setattr(FullMarket, "_queue", Market._queue)

    plant.setattr(FullMarket, "_price_again", price_again)


def keep_locked_what_the_limit_costs(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(FullMarket, "_trade", Market._trade)


def peg_what_waits_at_once(plant: pytest.MonkeyPatch) -> None:
    rightly = FullMarket._wait

    def wait(self: FullMarket, order: Order) -> None:
        if not pegs.pegged(order.terms) or pegs.peg_ticks(self.book, order.terms) is None:
            rightly(self, order)
            return
        rightly(self, order)
        pegs.take_price(order, self.book)

    plant.setattr(FullMarket, "_wait", wait)


def pay_the_markets_rates_in_a_tier(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(Market, "rates_for", lambda self, trader: self.rates)


def let_the_fees_of_a_tier_leave_nothing(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(instrument, "highest_fee_ppm", lambda rules: max(rules.maker_fee_ppm, rules.taker_fee_ppm))


def keep_the_least_price_of_a_tier_that_is_gone(plant: pytest.MonkeyPatch) -> None:
    rightly = instrument.with_tiers

    def with_tiers(rules: Instrument, tiers: tuple[TierFees, ...]) -> Instrument:
        kept = rightly(replace(rules, set_min_price_ticks=rules.min_price_ticks), tiers)
        return replace(kept, set_min_price_ticks=rules.set_min_price_ticks)

    plant.setattr(fee_tiers, "with_tiers", with_tiers)


def take_the_rates_of_a_tier_for_open_orders(plant: pytest.MonkeyPatch) -> None:
    rightly = Market._trade

    def trade(self: Market, taker: Order, found: Plan, now_ns: int, effects: Effects) -> None:
        for maker, _ in found.fills:
            if not self._in_quote:
                maker.rates = self.rates_for(maker.trader)
        rightly(self, taker, found, now_ns, effects)

    plant.setattr(Market, "_trade", trade)


@of_sources
@planted(
    {
        "orders": [
            keep_the_price_improvement_locked,
            lose_priority_on_a_partial_fill,
            round_fees_down,
            let_post_only_take,
            give_the_sequence_as_id,
            begin_an_aggregate_a_trade,
            answer_with_the_accepted_order,
            keep_locked_what_was_prevented,
            let_the_makers_mode_decide,
            spend_more_than_the_sum,
            spend_no_more_after_the_first_price,
            keep_the_place_of_a_refill,
            hide_from_a_fok,
        ],
        "trails": [forget_the_tracks_that_a_price_passes],
        "waiting": [
            trigger_a_tick_late,
            forget_the_trades_after_one_that_triggers_very_many,
            enter_before_all_is_told,
            enter_the_last_first,
            keep_what_waited_locked,
        ],
        "times": [end_the_latest_first, let_what_is_over_enter],
        "amendments": [
            keep_the_place_with_a_new_price,
            lose_the_place_with_less_quantity,
            compare_a_retry_with_what_was_amended,
            reduce_twice_under_one_key,
            judge_an_atomic_replacement_with_the_old_order_there,
            place_although_the_cancel_failed,
        ],
        "pegs": [
            peg_one_level_off,
            let_a_peg_pass_its_limit,
            peg_what_waits_at_once,
            count_those_that_follow,
            keep_the_place_of_what_is_priced_again,
            keep_locked_what_the_limit_costs,
        ],
        "fees": [
            pay_the_markets_rates_in_a_tier,
            let_the_fees_of_a_tier_leave_nothing,
            keep_the_least_price_of_a_tier_that_is_gone,
            take_the_rates_of_a_tier_for_open_orders,
        ],
    }
)
def test_the_judge_sees_a_wrong_rule(monkeypatch: pytest.MonkeyPatch, error: Error, about: str) -> None:
    assert_caught(monkeypatch, error, about)


@of_sources
def test_a_failure_is_told_as_a_short_story(monkeypatch: pytest.MonkeyPatch) -> None:
    round_fees_down(monkeypatch)
    verdict, _ = verdict_on(STORIES_MAX, about="orders")
    assert verdict is not None
    lines = verdict.splitlines()
    told = next(number for number, line in enumerate(lines) if "trades:" in line)
    assert all(re.search("deposits|joins|decimals|^  market ", line) for line in lines[1 : told - 2])
    assert " buys " in lines[told - 2] or " sells " in lines[told - 2]
    assert lines[told + 1].startswith("  the exchange says [Match(")
    assert lines[told + 2].startswith("  the model says    [Match(")


# --- is it independent?

PARTS = (
    *(model, model_amend, model_known, model_records, model_replace, model_admin, model_money, model_waiting),
    *(model_pegs, model_endings, model_lists, model_tiers, model_filters),
)


def test_the_model_shares_with_the_exchange_only_the_types_of_commands_and_events() -> None:
    sources = [Path(str(part.__file__)).read_text(encoding="utf-8") for part in PARTS]
    shared = {
        (node.module, alias.name)
        for node in (node for source in sources for node in ast.walk(ast.parse(source)))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("exchange")
        for alias in node.names
    }
    assert not any("import exchange" in source for source in sources)
    assert {module for module, _ in shared} == {
        *(amendments.__name__, money.__name__, timers.__name__, venue_filters.__name__),
        *(administration.__name__, commands.__name__, conditions.__name__, events.__name__, instrument.__name__),
    }
    known: dict[str, object] = {**vars(administration), **vars(commands), **vars(events), **vars(instrument)}
    known |= {**vars(conditions), **vars(amendments), **vars(money), **vars(timers), **vars(venue_filters)}
    not_types = {name for _, name in shared if not isinstance(known[name], type)} - {"Command", "KEYS_OF_USER_MAX"}
    assert not not_types
    # Of an instrument it reads the rules; what they make of a lot's worth is what it has to judge.
    assert not {"lot_minor", "notional_unit"} & set(re.findall(r"\w+", "".join(sources)))
