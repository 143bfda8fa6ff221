"""Examples of requests, for `/openapi.json`; a test holds each against what the call takes."""

from typing import Any

_NAMED = {"user_id": "random1", "market": "SOL_USDC", "client_order_id": "mine"}
_ORDER = {
    "user_id": "random1",
    "market": "SOL_USDC",
    "side": "buy",
    "order_type": "limit",
    "price": "150.02",
    "quantity": "0.5",
    "client_order_id": "mine",
}
LIST = {
    "type": "oco",
    "client_list_id": "exit",
    "orders": [
        {"market": "SOL_USDC", "side": "sell", "order_type": "limit", "price": "160", "quantity": "0.5"},
        {
            "market": "SOL_USDC",
            "side": "sell",
            "order_type": "stop_loss_limit",
            "stop_price": "140",
            "price": "139.5",
            "quantity": "0.5",
        },
    ],
}
# The body of a call, by its operation.
BODIES: dict[str, Any] = {
    "place": _ORDER,
    "test": _ORDER,
    "cancel": _NAMED,
    "amend": {**_NAMED, "quantity": "0.3"},
    "replace": {
        "user_id": "random1",
        "cancel": {"market": "SOL_USDC", "client_order_id": "mine"},
        "place": {
            "market": "SOL_USDC",
            "side": "buy",
            "order_type": "limit",
            "price": "150.01",
            "quantity": "0.5",
            "client_order_id": "next",
        },
    },
    "place_list": {"user_id": "random1", **LIST},
    "cancel_list": {"user_id": "random1", "market": "SOL_USDC", "client_list_id": "exit"},
    "cancel_all": {"user_id": "random1"},
    "cancel_all_after": {"user_id": "random1", "market": "SOL_USDC", "timeout_ms": 30000},
    "batch": {
        "user_id": "random1",
        "orders": [
            {"market": "SOL_USDC", "side": "sell", "order_type": "market", "quantity": "0.5"},
            {"cancel": {"market": "SOL_USDC", "client_order_id": "mine"}},
        ],
    },
    "revoke_own_key": {"api_key": "6c1e2b3f4a5d4c7e8f90a1b2c3d4e5f6"},
    "deposit": {"user_id": "random1", "asset": "USDC", "amount": "1000", "key": "first-deposit"},
    "market_status": {"market": "SOL_USDC", "status": "post_only"},
    "faucet": {"user_id": "random1", "asset": "USDC"},
    "request_withdrawal": {"user_id": "random1", "asset": "USDC", "amount": "100", "key": "payout-7"},
    "settle_withdrawal": {"key": "payout-7"},
    "release_withdrawal": {"key": "payout-8"},
    "transfer": {"from_user_id": "@fees", "to_user_id": "ann", "asset": "USDC", "amount": "5", "key": "fees-of-june"},
    "reset_user": {"user_id": "random1", "balances": {"USDC": "1000", "SOL": "10"}, "key": "before-test-12"},
    "add_asset": {"asset": "GEM", "decimals": 4},
    "set_market": {"market": "GEM_USDC", "tick_size": "0.01", "lot_size": "0.1", "taker_fee": "0.001"},
    "set_filters": {"max_open_orders": 500, "max_open_lists": 20},
    "set_fee_tier": {"market": "SOL_USDC", "fee_tier": "vip", "maker_fee": "0", "taker_fee": "0.0005"},
    "remove_fee_tier": {"market": "SOL_USDC", "fee_tier": "vip"},
    "set_user_tier": {"user_id": "ann", "fee_tier": "vip"},
    "set_log_level": {"level": "debug"},
    "create_user": {"user_id": "ann", "balances": {"USDC": "1000"}},
    "disable_user": {"user_id": "ann"},
    "enable_user": {"user_id": "ann"},
    "create_key": {"user_id": "ann", "type": "hmac", "permissions": ["read", "trade"], "label": "bot"},
    "revoke_key": {"api_key": "6c1e2b3f4a5d4c7e8f90a1b2c3d4e5f6"},
}
