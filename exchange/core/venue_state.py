"""The state of a venue: copied, put back, and checked."""

from typing import TYPE_CHECKING

from exchange.core.book import Order
from exchange.core.commands import Side
from exchange.core.lists import restored, waits_for_list
from exchange.core.pegs import standing_ticks
from exchange.core.state import OpenOrder, VenueState

if TYPE_CHECKING:
    from exchange.core.venue import Venue


def state_of(venue: "Venue") -> VenueState:
    """A copy of everything that the next command can depend on, in an order that depends on nothing else."""
    return VenueState(
        sequence=venue.sequence,
        time_ns=venue.time_ns,
        last_order_id=venue.counts.last_order_id,
        last_priority=venue.counts.last_priority,
        last_trade_id=venue.counts.last_trade_id,
        last_match_id=venue.counts.last_match_id,
        last_amendment_id=venue.counts.last_amendment_id,
        last_list_id=venue.counts.last_list_id,
        assets=sorted(venue.assets.values(), key=lambda asset: asset.symbol),
        markets=[market.state() for _, market in sorted(venue.markets.items())],
        users=sorted(venue.ledger.users()),
        disabled_users=sorted(venue.disabled),
        user_tiers=venue.fee_tiers.users(),
        keys=venue.keys.all(),
        accounts=sorted(
            (account.as_read() for account in venue.ledger.accounts()),
            key=lambda account: (account.user_id, account.asset),
        ),
        orders=sorted(
            (_open_order_state(order) for market in venue.markets.values() for order in market.all_open()),
            key=lambda order: order.priority,
        ),
        recent_client_orders=venue.client_ids.recent(),
        recent_keys=venue.treasury.recent(),
        withdrawals=venue.treasury.withdrawals(),
        recent_reductions=venue.amending.reductions.all(),
        lists=[
            found.state()
            for _, found in sorted(
                (list_id, found) for market in venue.markets.values() for list_id, found in market.lists.items()
            )
        ],
        recent_client_lists=venue.list_ids.recent(),
        list_counts=sorted(venue.ledger.list_counts()),
        timers=venue.timers.all(),
        filters=venue.everywhere.filters,
        filters_by_call=venue.everywhere.by_call,
    )


def restore(venue: "Venue", state: VenueState) -> None:
    """Have an empty venue go on from that state."""
    venue.sequence, venue.time_ns = state.sequence, state.time_ns
    venue.counts.last_order_id = state.last_order_id
    venue.counts.last_priority = state.last_priority
    venue.counts.last_trade_id = state.last_trade_id
    venue.counts.last_match_id = state.last_match_id
    venue.counts.last_amendment_id = state.last_amendment_id
    venue.counts.last_list_id = state.last_list_id
    venue.everywhere.set(state.filters, by_call=state.filters_by_call)
    venue.assets = {asset.symbol: asset for asset in state.assets}
    for user_id in state.users:
        venue.ledger.add_user(user_id)
    venue.disabled.update(dict.fromkeys(state.disabled_users))
    venue.fee_tiers.restore(state.user_tiers)
    for key in state.keys:
        venue.keys.add(key)
    for account in state.accounts:
        venue.ledger.restore(account)
    venue.treasury.restore(state.recent_keys, state.withdrawals)
    for timer in state.timers:
        venue.timers.set(*timer)
    venue.amending.reductions.restore(state.recent_reductions)
    for market_state in state.markets:
        venue.open_market(market_state)
    for order_id, terms in state.recent_client_orders:
        venue.client_ids.accepted(order_id, terms)
    _restore_lists(venue, state)
    for open_order in state.orders:
        _restore_order(venue, open_order)
    for market in venue.markets.values():
        market.restored()


def _restore_lists(venue: "Venue", state: VenueState) -> None:
    for user_id, lists_sequence in state.list_counts:
        venue.ledger.user(user_id).lists_sequence = lists_sequence
    for list_id, placed in state.recent_client_lists:
        venue.list_ids.accepted(list_id, placed)
    for found in state.lists:
        venue.markets[found.placed.market].restore_list(restored(found))


def _restore_order(venue: "Venue", state: OpenOrder) -> None:
    terms = state.terms
    market = venue.markets[terms.market]
    trader = market.trader(terms.user_id)
    price_ticks = standing_ticks(terms, state.progress)
    order = Order(state.order_id, terms, trader, price_ticks, state.created_ns, state.rates)
    order.progress = state.progress
    order.remaining_lots -= state.executed_lots
    if state.progress is not None:
        order.remaining_lots -= state.progress.prevented_lots
        order.hidden_lots = state.progress.hidden_lots
    order.executed_quote_minor = state.executed_quote_minor
    order.priority = state.priority
    order.updated_ns = state.updated_ns
    market.restore_order(order)


def check(venue: "Venue") -> None:
    """Assert what must hold between commands: see Venue.check."""
    venue.ledger.check()
    venue.timers.check()
    counts, priorities = venue.counts, set[int]()
    needed = venue.treasury.locked_minor()
    for market in venue.markets.values():
        market.check()
        rules = market.instrument
        of_lists: dict[tuple[str, str, int], int] = {}
        for order in market.all_open():
            assert 0 < order.order_id <= counts.last_order_id
            assert 0 < order.priority <= counts.last_priority
            assert order.priority not in priorities
            priorities.add(order.priority)
            side = order.terms.side
            asset = rules.quote.symbol if side is Side.BUY else rules.base.symbol
            key = (order.user_id, asset)
            list_id = 0 if order.progress is None else order.progress.list_id
            needs_minor = 0 if waits_for_list(order) else market.needs_minor(order)
            if not list_id:
                needed[key] = needed.get(key, 0) + needs_minor
            else:
                of_lists[*key, list_id] = max(of_lists.get((*key, list_id), 0), needs_minor)
        for (user_id, asset, _), needs_minor in of_lists.items():
            needed[user_id, asset] = needed.get((user_id, asset), 0) + needs_minor
    for account in venue.ledger.accounts():
        expected = needed.pop((account.user.user_id, account.asset), 0)
        assert account.locked == expected, (account.user.user_id, account.asset, account.locked, expected)
    assert not needed, needed


def _open_order_state(order: Order) -> OpenOrder:
    return OpenOrder(
        order.order_id,
        order.terms,
        order.executed_lots,
        order.executed_quote_minor,
        order.priority,
        order.created_ns,
        order.updated_ns,
        order.rates,
        order.progress,
    )
