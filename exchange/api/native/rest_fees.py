"""The REST calls about fees: what a user pays, and the fee tiers."""

from exchange.api.http.request import Request
from exchange.api.native import codec, models_fees, replies, replies_money
from exchange.api.native.decoding import body_of, query_of
from exchange.api.native.errors import ApiError
from exchange.api.native.market_codec import decimal_of
from exchange.api.native.names import FEE_ASSET_NAMES
from exchange.core.administration import Origin, SetTierFees
from exchange.core.instrument import Instrument, InvalidInstrument, TierFees, decimal_text, fees_ppm
from exchange.service.fees import UserFees
from exchange.service.principal import Permission
from exchange.service.service import Service

FEE_DECIMALS = 6


class RestFees:
    """The operations; the table of calls has the permission that each needs."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._fees = service.fees

    async def fees(self, request: Request) -> replies.Reply:
        """GET /fees."""
        query = query_of(request, models_fees.FeesQuery)
        assert request.principal is not None
        user_id = self._service.user(request.principal, query.user_id, Permission.READ)
        market = None if query.market is None else self._service.rules(query.market).symbol
        return _user_fees(user_id, await self._fees.of_user(user_id, market))

    # --- of administrators

    async def fee_tiers(self, request: Request) -> replies.Reply:
        """GET /admin/fee_tiers."""
        rules = self._service.rules(query_of(request, models_fees.FeeTiersQuery).market)
        return _tiers(rules, await self._fees.tiers(rules.symbol))

    async def set_fee_tier(self, request: Request) -> replies.Reply:
        """POST /admin/fee_tiers."""
        body = body_of(request, models_fees.FeeTierRequest)
        rules, tier = self._service.rules(body.market), codec.decode_name("fee_tier", body.fee_tier)
        maker_fee = decimal_of("maker_fee", body.maker_fee, may_be_negative=True)
        taker_fee = decimal_of("taker_fee", body.taker_fee)
        try:
            rates = fees_ppm(maker_fee, taker_fee, rules.fee_asset)
            command = SetTierFees(rules.symbol, tier, *rates, self._origin(request))
            return _tiers(rules, await self._fees.set_tier(command))
        except InvalidInstrument as error:
            raise ApiError("INVALID_FIELD", f"These fees cannot be: {error}.") from None

    async def remove_fee_tier(self, request: Request) -> replies.Reply:
        """DELETE /admin/fee_tiers."""
        model = models_fees.RemoveFeeTierRequest
        asked = body_of(request, model) if request.body else query_of(request, model)
        rules, tier = self._service.rules(asked.market), codec.decode_name("fee_tier", asked.fee_tier)
        command = SetTierFees(rules.symbol, tier, None, None, self._origin(request))
        return _tiers(rules, await self._fees.set_tier(command))

    async def set_user_tier(self, request: Request) -> replies.Reply:
        """POST /admin/users/fee_tier."""
        body = body_of(request, models_fees.UserTierRequest)
        user_id = codec.decode_name("user_id", body.user_id)
        tier = None if body.fee_tier is None else codec.decode_name("fee_tier", body.fee_tier)
        return _user_fees(user_id, await self._fees.set_user_tier(user_id, tier, self._origin(request)))

    def _origin(self, request: Request) -> Origin:
        assert request.principal is not None, "the call is in the table as a public one"
        return self._service.administration.origin(request.principal)


def _user_fees(user_id: str, found: UserFees) -> replies_money.Fees:
    rows = [
        replies_money.Fee(rules.symbol, _rate(maker_ppm), _rate(taker_ppm), FEE_ASSET_NAMES[rules.fee_asset])
        for rules, maker_ppm, taker_ppm in found.rates
    ]
    return replies_money.Fees(user_id, found.tier, rows)


def _tiers(rules: Instrument, tiers: tuple[TierFees, ...]) -> replies_money.FeeTiers:
    rows = [replies_money.FeeTier(found.tier, _rate(found.maker_ppm), _rate(found.taker_ppm)) for found in tiers]
    return replies_money.FeeTiers(rules.symbol, rows)


def _rate(fee_ppm: int) -> str:
    return decimal_text(fee_ppm, FEE_DECIMALS)
