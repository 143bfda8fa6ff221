"""The replies about money that moves without a trade, as types."""

from typing import Annotated

import msgspec

from exchange.api.native import names
from exchange.api.native.replies import (
    _RATE,
    _SIGNED,
    Balance,
    FeeAsset,
    Id,
    Millis,
    Number,
    Order,
    PageNext,
    Reply,
    _enum,
)


class Withdrawal(Reply):
    """A withdrawal."""

    key: str
    user_id: str
    asset: str
    amount: Number
    status: Annotated[str, _enum(*names.WITHDRAWAL_STATUS_NAMES)]
    requested_at: Millis
    ended_at: Millis | None


class WithdrawalPage(Reply):
    """A page of withdrawals, newest first."""

    withdrawals: list[Withdrawal]
    next: PageNext


class Transfer(Reply):
    """An amount that was moved."""

    key: str
    from_user_id: str
    to_user_id: str
    asset: str
    amount: Number


class Posting(Reply):
    """What moved in one of the user's accounts."""

    cause: Annotated[str, _enum(*names.POSTING_CAUSES)]
    asset: str
    amount: Annotated[str, _SIGNED]
    timestamp: Millis
    market: Annotated[str | None, msgspec.Meta(description="of a trade or a fee")]
    trade_id: Annotated[Id | None, msgspec.Meta(description="of a trade or a fee")]
    key: Annotated[str | None, msgspec.Meta(description="of a deposit, withdrawal, transfer or reset")]


class LedgerPage(Reply):
    """A page of postings, newest first."""

    postings: list[Posting]
    next: Annotated[str | None, msgspec.Meta(description="the `before` of the next page")]


class UserReset(Reply):
    """The orders that a reset canceled, none after a retry, and the balances as they are now."""

    user_id: str
    canceled: list[Order]
    balances: list[Balance]


class Fee(Reply):
    """What a user pays in a market, for orders that enter now."""

    market: str
    maker_fee: Annotated[str, _RATE]
    taker_fee: Number
    fee_asset: FeeAsset


class Fees(Reply):
    """What a user pays."""

    user_id: str
    fee_tier: str | None
    fees: list[Fee]


class FeeTier(Reply):
    """What the users of a fee tier pay in a market."""

    fee_tier: str
    maker_fee: Annotated[str, _RATE]
    taker_fee: Number


class FeeTiers(Reply):
    """The fee tiers of a market, by name."""

    market: str
    fee_tiers: list[FeeTier]
