"""The requests about fees, as types."""

from typing import Annotated

from exchange.api.native.models import _RATE, MarketName, Name, Number, Request, User


class FeesQuery(Request, kw_only=True):
    """What a user pays, in one market or in all."""

    user_id: User = None
    market: MarketName | None = None


class FeeTiersQuery(Request, kw_only=True):
    """The fee tiers of a market."""

    market: MarketName


class FeeTierRequest(Request, kw_only=True):
    """Set what the users of a fee tier pay in a market."""

    market: MarketName
    fee_tier: Name
    maker_fee: Annotated[str, _RATE]
    taker_fee: Number


class RemoveFeeTierRequest(Request, kw_only=True):
    """Forget what a fee tier pays in a market: its users pay the market's own fees there."""

    market: MarketName
    fee_tier: Name


class UserTierRequest(Request, kw_only=True):
    """Give a user a fee tier, or take it away with null."""

    user_id: Name
    fee_tier: Name | None
