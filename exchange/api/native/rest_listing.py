"""The REST calls of administrators about assets and markets."""

from exchange.api.http.request import Request
from exchange.api.native import codec, encode, models, replies, replies_markets
from exchange.api.native.decoding import body_of
from exchange.api.native.errors import ApiError
from exchange.api.native.exchange_filters import FiltersRequest, shown
from exchange.api.native.market_codec import asset_of, given_rules
from exchange.core.administration import Origin
from exchange.core.instrument import InvalidInstrument
from exchange.service.service import Service


class RestListing:
    """The operations; the table of calls has the permission that each needs."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._listing = service.listing

    def _origin(self, request: Request) -> Origin:
        assert request.principal is not None, "the call is in the table as a public one"
        return self._service.administration.origin(request.principal)

    async def add_asset(self, request: Request) -> replies.Reply:
        """POST /admin/assets."""
        asset = asset_of(body_of(request, models.AssetRequest))
        await self._listing.add_asset(asset, self._origin(request))
        return replies_markets.Asset(asset.symbol, asset.decimals)

    async def set_market(self, request: Request) -> replies.Reply:
        """POST /admin/markets."""
        body = body_of(request, models.MarketRequest)
        given = given_rules(body, self._service.find_rules(body.market), self._service.assets)
        try:
            rules = await self._listing.set_market(body.market, given, self._origin(request))
        except InvalidInstrument as error:
            raise ApiError("INVALID_FIELD", f"These rules cannot be: {error}.") from None
        return encode.market(rules)

    async def set_filters(self, request: Request) -> replies.Reply:
        """POST /admin/filters."""
        given = body_of(request, FiltersRequest).given()
        return shown(await self._listing.set_filters(given, self._origin(request)))

    async def market_status(self, request: Request) -> replies.Reply:
        """POST /admin/markets/status."""
        body = body_of(request, models.MarketStatusRequest)
        command = codec.set_market_status(body, self._service.rules(body.market), self._origin(request))
        return encode.market(await self._listing.set_status(command))
