"""Examples of messages on a socket, for `/asyncapi.json`; a test compares them with those of `docs/api.md`."""

from typing import Any

_ORDER = {
    "user_id": "random2",
    "market": "SOL_USDC",
    "side": "buy",
    "order_type": "limit",
    "price": "150.02",
    "quantity": "0.5",
}
# What a client sends, by message_type.
REQUESTS: dict[str, Any] = {
    "SUBSCRIBE": {"message_type": "SUBSCRIBE", "channels": ["depth@SOL_USDC", "trade@SOL_USDC"], "id": 1},
    "UNSUBSCRIBE": {"message_type": "UNSUBSCRIBE", "channel": "depth@SOL_USDC"},
    "PING": {"message_type": "PING", "id": "still there"},
    "AUTH": {
        "message_type": "AUTH",
        "id": 0,
        "api_key": "6c1e2b3f4a5d4c7e8f90a1b2c3d4e5f6",
        "timestamp": 1800000000000,
        "signature": "f0b1c2d3e4f5061728394a5b6c7d8e9f00112233445566778899aabbccddeeff",
    },
    "ORDER": {"message_type": "ORDER", "id": 2, **_ORDER},
    "CANCEL": {"message_type": "CANCEL", "id": 3, "user_id": "random2", "market": "SOL_USDC", "order_id": "2"},
    "CANCEL_ALL": {"message_type": "CANCEL_ALL", "id": 4, "user_id": "random2"},
    "ORDERS": {
        "message_type": "ORDERS",
        "id": 5,
        "user_id": "random2",
        "orders": [
            {"market": "SOL_USDC", "side": "buy", "order_type": "market", "quantity": "0.5"},
            {"cancel": {"market": "SOL_USDC", "client_order_id": "mine"}},
        ],
    },
}
# What the exchange answers, by message_type.
ANSWERS: dict[str, Any] = {
    "RESULT": {"message_type": "RESULT", "data": {"canceled": []}, "id": 4},
    "ERROR": {
        "message_type": "ERROR",
        "code": "OFF_TICK",
        "message": "price must be a multiple of SOL_USDC's tick_size, 0.01.",
        "id": 2,
    },
    "SUBSCRIBED": {"message_type": "SUBSCRIBED", "channel": "depth@SOL_USDC", "channel_sequence": 1, "id": 1},
    "UNSUBSCRIBED": {"message_type": "UNSUBSCRIBED", "channel": "depth@SOL_USDC"},
    "PONG": {"message_type": "PONG", "id": "still there"},
    "AUTHENTICATED": {"message_type": "AUTHENTICATED", "user_id": "random2", "permissions": ["read", "trade"], "id": 0},
}
# One of each message that the exchange sends on a channel, as `docs/api.md` shows them.
EVENTS: dict[str, Any] = {
    "trade": {
        "channel": "trade@SOL_USDC",
        "sequence": 20,
        "channel_sequence": 1,
        "data": {
            "trade_id": "1",
            "price": "150.02",
            "quantity": "0.5",
            "taker_side": "buy",
            "timestamp": 1800000000000,
            "market_trade_id": "1",
            "aggregate_id": "1",
        },
    },
    "depth_snapshot": {
        "channel": "depth@SOL_USDC",
        "sequence": 19,
        "channel_sequence": 1,
        "data": {"type": "snapshot", "last_sequence": 1, "bids": [], "asks": [["150.02", "2"]]},
    },
    "depth_diff": {
        "channel": "depth@SOL_USDC",
        "sequence": 20,
        "channel_sequence": 2,
        "data": {"type": "diff", "first_sequence": 2, "last_sequence": 2, "bids": [], "asks": [["150.02", "1.5"]]},
    },
    "book_ticker": {
        "channel": "book_ticker@SOL_USDC",
        "sequence": 20,
        "channel_sequence": 2,
        "data": {"best_bid": None, "best_bid_quantity": None, "best_ask": "150.02", "best_ask_quantity": "1.5"},
    },
    "ticker": {
        "channel": "ticker@SOL_USDC",
        "sequence": 20,
        "channel_sequence": 2,
        "data": {
            "market": "SOL_USDC",
            "last": "150.02",
            "best_bid": None,
            "best_bid_quantity": None,
            "best_ask": "150.02",
            "best_ask_quantity": "1.5",
            "open": "150.02",
            "high": "150.02",
            "low": "150.02",
            "volume": "0.5",
            "quote_volume": "75.01",
            "change": "0",
            "trades": 1,
            "timestamp": 1800000000000,
            "status": "trading",
        },
    },
    "candle": {
        "channel": "candle_1m@SOL_USDC",
        "sequence": 20,
        "channel_sequence": 1,
        "data": {
            "open_at": 1800000000000,
            "open": "150.02",
            "high": "150.02",
            "low": "150.02",
            "close": "150.02",
            "volume": "0.5",
            "quote_volume": "75.01",
            "trades": 1,
            "first_market_trade_id": "1",
            "last_market_trade_id": "1",
            "taker_buy_volume": "0.5",
            "taker_buy_quote_volume": "75.01",
            "closed": False,
        },
    },
    "orders_snapshot": {
        "channel": "orders@random2",
        "sequence": 19,
        "channel_sequence": 0,
        "data": {"type": "snapshot", "orders": []},
    },
    "orders_update": {
        "channel": "orders@random2",
        "sequence": 20,
        "channel_sequence": 2,
        "data": {
            "type": "update",
            "reason": "filled",
            "order": {
                "order_id": "2",
                "client_order_id": None,
                "user_id": "random2",
                "market": "SOL_USDC",
                "side": "buy",
                "order_type": "limit",
                "time_in_force": "gtc",
                "post_only": False,
                "price": "150.02",
                "quantity": "0.5",
                "executed_quantity": "0.5",
                "executed_quote_quantity": "75.01",
                "status": "filled",
                "expire_reason": None,
                "cancel_reason": None,
                "created_at": 1800000000000,
                "updated_at": 1800000000000,
            },
            "fill": {
                "trade_id": "1",
                "price": "150.02",
                "quantity": "0.5",
                "fee": "0",
                "fee_asset": "SOL",
                "liquidity": "taker",
                "timestamp": 1800000000000,
            },
        },
    },
    "balances_snapshot": {
        "channel": "balances@random2",
        "sequence": 19,
        "channel_sequence": 4,
        "data": {
            "type": "snapshot",
            "balances": [{"asset": "USDC", "available": "10000", "locked": "0", "total": "10000"}],
        },
    },
    "balances_update": {
        "channel": "balances@random2",
        "sequence": 20,
        "channel_sequence": 5,
        "data": {
            "type": "update",
            "balances": [{"asset": "USDC", "available": "9924.99", "locked": "0", "total": "9924.99"}],
        },
    },
}
