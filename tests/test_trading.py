"""Batches: one missing answer does not hide the other results."""

from typing import Any, cast

import msgspec
import pytest

from exchange.api.http.limits import RateLimits
from exchange.api.native.models import BatchRequest
from exchange.api.native.trading import Trading
from exchange.config import LimitsConfig
from exchange.core.venue import Venue
from exchange.pipeline.projector import HistoryUnavailable
from exchange.service.history import History
from tests.core.stories import venue_of
from tests.fake_store import flow_of


class _NoHistory:
    """A database that does not answer."""

    async def order(self, *_: object) -> None:
        raise HistoryUnavailable


def _batch(*items: dict[str, Any]) -> BatchRequest:
    return BatchRequest(orders=[msgspec.Raw(msgspec.json.encode(item)) for item in items])


@pytest.fixture
def venue() -> Venue:
    return venue_of()


async def test_a_batch_tells_of_its_orders_although_the_history_is_away(venue: Venue) -> None:
    market, user_id = next(iter(venue.markets)), sorted(venue.ledger.users())[0]
    order = {"market": market, "side": "sell", "order_type": "limit", "price": "100", "quantity": "1"}
    async with flow_of(venue) as flow:
        trading = Trading(flow.engine, cast(History, _NoHistory()), RateLimits(LimitsConfig(), lambda: 0.0))
        request = _batch({**order, "client_order_id": "a"}, {"cancel": {"market": market, "client_order_id": "gone"}})
        first, second = (await trading.batch(request, user_id))["results"]
    assert (first["status"], first["client_order_id"]) == ("open", "a")
    assert second["code"] == "NOT_READY"
