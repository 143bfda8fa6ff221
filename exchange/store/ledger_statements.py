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


# The fees of the last $2 trades up to the trade $1, those that were dropped left out, a row each; at least one row.
FEES: Final = """
    WITH bounds AS (
        SELECT LEAST($1::bigint, p.last_trade_id) AS high, d.trade_id AS dropped FROM projection p, pruned d
    ), range AS (SELECT high, dropped, GREATEST(high - $2::bigint, dropped) AS low FROM bounds)
    SELECT r.low, r.low > r.dropped AS more, t.* FROM range r LEFT JOIN LATERAL (
        SELECT f.* FROM markets m, LATERAL (
            SELECT trade_id, market, taker_side::int AS side, taker_fee_minor::text AS taker_fee,
                maker_fee_minor::text AS maker_fee, time_ns FROM trades
            WHERE market = m.symbol AND trade_id > r.low AND trade_id <= r.high
            AND (taker_fee_minor <> 0 OR maker_fee_minor <> 0)
        ) AS f
    ) AS t ON true ORDER BY t.trade_id DESC
"""


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
