"""The statements of a user's ledger: newest first, before a place in the history of trades and in that of transfers."""

from functools import cache
from typing import Final

_SIDES: Final = (("taker", "taker_side", "true"), ("maker", "1 - taker_side", "false"))
_WAYS: Final = (("user_id", ""), ("from_user_id", "-"))


@cache
def fills(*, some_markets: bool) -> str:
    """Fills of the user $1 up to the trade $2, at most $3; of the markets $4."""
    sides = " UNION ALL ".join(
        f"(SELECT trade_id, market, ({side})::int AS side, {is_taker} AS is_taker, quantity_lots, "
        f"quote_minor::text, {who}_fee_minor::text AS fee_minor, time_ns FROM trades "
        f"WHERE {who}_user_id = $1 AND trade_id <= $2{' AND market = ANY($4)' if some_markets else ''} "
        "ORDER BY trade_id DESC LIMIT $3)"
        for who, side, is_taker in _SIDES
    )
    return f"SELECT * FROM ({sides}) AS f ORDER BY trade_id DESC LIMIT $3"


@cache
def transfers(*, one_asset: bool) -> str:
    """Transfers from and to the user $1 before the sequence $2 and asset $3, at most $4; of the asset $5."""
    ways = " UNION ALL ".join(
        f"(SELECT sequence, asset, ({sign}amount_minor)::text AS amount_minor, kind::int AS kind, key, time_ns "
        f"FROM transfers WHERE {who} = $1 AND sequence <= $2 AND (sequence, asset) < ($2, $3)"
        f"{' AND asset = $5' if one_asset else ''} ORDER BY sequence DESC, asset DESC LIMIT $4)"
        for who, sign in _WAYS
    )
    return f"SELECT * FROM ({ways}) AS t ORDER BY sequence DESC, asset DESC LIMIT $4"
