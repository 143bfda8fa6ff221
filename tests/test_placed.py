"""A plain order is decoded and its reply encoded on a shorter way than any other: both ways come to the same."""

import itertools

import msgspec
import pytest

from exchange.api.native import encode, fields, order_codec
from exchange.api.native.errors import ApiError
from exchange.api.native.models import PlaceOrderRequest
from exchange.api.native.placed import placed_json
from exchange.core.commands import OrderType, PlaceOrder, Side
from exchange.core.outcome import Applied
from exchange.service.results import Placed
from tests.core.stories import SOL_USDC, book_of, place

# What is placed in a book with 3 @ 101 and 5 @ 102 on the side of the asks.
ORDERS = (
    *("bob buy 1 @ 100", "bob buy 1 @ 100 POST as a-1", "bob sell 2 @ 103", "bob buy 1 @ 101", "bob buy 8 @ 102 IOC"),
    *("bob buy 9 @ 101", "bob buy 9 @ 101 IOC", "bob buy 9 @ 101 FOK as f", "bob buy 4 at market", "maker buy 1 @ 101"),
    *("bob buy for 500 at market", "bob buy 1 @ 101 stp expire_both", "bob sell 1 @ 99 stop 99.50"),
    *("bob buy 1 @ 100 until 9000000000000000000", "bob buy 1 pegged to primary"),
)


@pytest.mark.parametrize("order", ORDERS)
def test_the_reply_to_an_order_is_the_same_either_way(order: str) -> None:
    outcome = place(book_of("ask 3 @ 101", "ask 5 @ 102", "bid 1 @ 99"), order)
    assert isinstance(outcome, Applied)
    result = Placed(outcome, SOL_USDC)
    assert placed_json(result) == encode.json_of(encode.placed(result))


FIELDS: dict[str, tuple[object, ...]] = {
    "side": ("buy", "Sell", "up"),
    "order_type": ("limit", "LIMIT", "market", "stop_loss_limit"),
    "time_in_force": (None, "gtc", "IOC", "gtd", "later"),
    "post_only": (False, True),
    "price": ("150.02", None, "x", "0.001"),
    "quantity": ("0.5", None, "0.0001"),
    "client_order_id": (None, "a", "no spaces"),
    "expire_at": (None, 5),
    "quote_quantity": (None, "5"),
    "strategy_id": (None, 7),
}


def told(request: PlaceOrderRequest, *, short: bool) -> PlaceOrder | tuple[str, str]:
    """The command, or the error."""
    try:
        if short:
            return order_codec.place_order(request, "maya", SOL_USDC)
        side = fields.choice("side", request.side, {"buy": Side.BUY, "sell": Side.SELL})
        kinds = {kind.name.lower(): kind for kind in OrderType}
        kind = fields.choice("order_type", request.order_type, kinds)
        return order_codec._any(request, "maya", SOL_USDC, side, kind)
    except ApiError as error:
        return error.code, error.message


def test_an_order_is_the_same_command_either_way() -> None:
    """Any two fields at a time have every value, the others their first."""
    usual = {"market": "SOL_USDC"} | {name: values[0] for name, values in FIELDS.items()}
    seen = set()
    for one, other in itertools.combinations(FIELDS, 2):
        for value, another in itertools.product(FIELDS[one], FIELDS[other]):
            request = msgspec.convert(usual | {one: value, other: another}, PlaceOrderRequest)
            made = told(request, short=True)
            assert made == told(request, short=False), request
            seen.add(type(made))
    assert seen == {PlaceOrder, tuple}
