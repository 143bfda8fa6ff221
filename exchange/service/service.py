"""What a dialect of the API is made over: one object, which knows no JSON and no HTTP."""

from typing import Final

from exchange.core.instrument import Asset, Instrument
from exchange.core.public import Channel, Kind
from exchange.core.venue import Venue
from exchange.core.venue_filters import VenueFilters
from exchange.pipeline.engine import Engine
from exchange.pipeline.feeds import Feeds
from exchange.service.administration import Administration
from exchange.service.fees import Fees
from exchange.service.ledger import LedgerReading
from exchange.service.limits import RateLimits
from exchange.service.listing import Listing
from exchange.service.lists import Lists
from exchange.service.principal import Authenticator, Permission, Principal, RequestView, user_for
from exchange.service.read_lane import REQUEST_S, ReadLane
from exchange.service.reading import Reading
from exchange.service.tasks import Tasks
from exchange.service.trading import Trading
from exchange.service.treasury import Treasury

OPEN_ORDER_S: Final = 0.000_003  # of the loop's time: to copy an open order and encode it


class Service:
    """Commands, reads and subscriptions, and who may ask for them."""

    def __init__(
        self,
        engine: Engine,
        feeds: Feeds,
        trading: Trading,
        reading: Reading,
        administration: Administration,
        authenticator: Authenticator,
        limits: RateLimits,
        tasks: Tasks,
        lane: ReadLane,
        treasury: Treasury,
        ledger: LedgerReading,
        lists: Lists,
    ) -> None:
        self._venue: Venue = engine.venue
        self.authenticator = authenticator
        self.engine = engine
        self.feeds = feeds
        self.trading = trading
        self.reading = reading
        self.administration = administration
        self.listing = Listing(engine)
        self.fees = Fees(engine)
        self.treasury = treasury
        self.ledger = ledger
        self.lists = lists
        self.limits = limits
        self.tasks = tasks
        self.lane = lane

    def principal(self, request: RequestView, needed: Permission) -> Principal:
        """Who sends the request, and has the permission. Raises Refused."""
        return self.authenticator.authenticate(request, needed)

    def user(self, principal: Principal, named: str | None, needed: Permission, *, cancels: bool = False) -> str:
        """The known user that the principal acts for, given the one that the request names. Raises Refused.

        The request is counted against the user, unless it cancels.
        """
        if principal.api_key is not None:
            self.authenticator.check(principal)
        user_id = user_for(principal, named, self._venue.ledger, needed)
        if not cancels:
            self.limits.of_user(user_id)
        return user_id

    def rules(self, market: str) -> Instrument:
        """The instrument of that name. Raises Refused."""
        return self.trading.rules(market)

    def find_rules(self, market: str) -> Instrument | None:
        """The instrument of that name, if there is one."""
        found = self._venue.markets.get(market)
        return None if found is None else found.instrument

    @property
    def filters(self) -> VenueFilters:
        """The filters of the whole exchange."""
        return self._venue.everywhere.filters

    def first_price_s(self, channel: Channel) -> float:
        """What the lane of reads takes for what a subscription to the channel begins with."""
        if channel.kind != Kind.ORDERS:
            return REQUEST_S
        markets = self._venue.markets.values()
        return REQUEST_S + OPEN_ORDER_S * sum([len(market.open_orders(channel.subject)) for market in markets])

    @property
    def assets(self) -> dict[str, Asset]:
        """All assets; one that is there never changes."""
        return self._venue.assets

    def admit_channel(self, principal: Principal, channel: Channel) -> None:
        """Raise Refused unless the channel is one of a known market, or of a user that the principal may act for."""
        if channel.kind >= Kind.ORDERS:
            self.user(principal, channel.subject, Permission.READ)
        else:
            self.rules(channel.subject)
