"""The REST calls of administrators: users, keys, deposits, the log level and the audit."""

from exchange.api.http.request import Request
from exchange.api.native import codec, encode, fields, models, replies
from exchange.api.native.decoding import body_of, query_of
from exchange.api.native.errors import ApiError
from exchange.api.native.key_codec import audited, key_read, new_key
from exchange.api.native.names import LOG_LEVELS
from exchange.api.native.paging import next_of, page_of
from exchange.core.administration import Origin
from exchange.core.commands import Deposit
from exchange.core.instrument import Asset
from exchange.service.service import Service

USER_STATUSES = ("enabled", "disabled")


class RestAdmin:
    """The operations; the table of calls has the permission that each needs."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._administration = service.administration

    def _origin(self, request: Request) -> Origin:
        assert request.principal is not None, "the call is in the table as a public one"
        return self._administration.origin(request.principal)

    async def deposit(self, request: Request) -> replies.Reply:
        """POST /admin/deposit."""
        body = body_of(request, models.DepositRequest)
        user_id, key = codec.decode_name("user_id", body.user_id), codec.decode_name("key", body.key)
        asset = self._asset(body.asset)
        command = Deposit(user_id, asset.symbol, fields.minor(asset, body.amount), key, self._origin(request))
        accounts = await self._administration.deposit(command)
        return replies.Balances(user_id, encode.balances(accounts, self._service.assets))

    def _asset(self, symbol: str) -> Asset:
        asset = self._service.trading.asset(symbol)
        if asset is None:
            raise ApiError("INVALID_FIELD", "asset names none that is traded here.")
        return asset

    async def log_level(self, request: Request) -> replies.Reply:
        """GET /admin/log_level."""
        query_of(request, models.NoQuery)
        return replies.LogLevel(self._administration.log_level())

    async def set_log_level(self, request: Request) -> replies.Reply:
        """POST /admin/log_level."""
        level = fields.choice("level", body_of(request, models.LogLevelRequest).level, LOG_LEVELS)
        self._administration.set_log_level(level, self._origin(request))
        return replies.LogLevel(self._administration.log_level())

    # --- users

    async def create_user(self, request: Request) -> replies.Reply:
        """POST /admin/users."""
        body = body_of(request, models.CreateUserRequest)
        user_id, origin = codec.decode_name("user_id", body.user_id), self._origin(request)
        balances = tuple(
            (asset.symbol, fields.minor(asset, amount))
            for asset, amount in ((self._asset(symbol), amount) for symbol, amount in sorted(body.balances.items()))
        )
        accounts = await self._administration.create_user(user_id, balances, origin)
        return replies.Balances(user_id, encode.balances(accounts, self._service.assets))

    async def users(self, request: Request) -> replies.Reply:
        """GET /admin/users."""
        query = query_of(request, models.UsersQuery)
        limit = codec.page_limit(query.limit, models.PAGE_MAX)
        found = await self._administration.users(query.after or "", limit + 1)
        rows = [replies.User(user.user_id, USER_STATUSES[user.disabled], user.tier) for user in found[:limit]]
        return replies.UserPage(rows, rows[-1].user_id if len(found) > limit else None)

    async def disable_user(self, request: Request) -> replies.Reply:
        """POST /admin/users/disable."""
        return await self._set_status(request, disabled=True)

    async def enable_user(self, request: Request) -> replies.Reply:
        """POST /admin/users/enable."""
        return await self._set_status(request, disabled=False)

    async def _set_status(self, request: Request, *, disabled: bool) -> replies.Reply:
        body = body_of(request, models.UserRequest)
        user_id = codec.decode_name("user_id", body.user_id)
        canceled = await self._administration.set_status(user_id, disabled, self._origin(request))
        orders = [encode.order(order, self._service.rules(order.terms.market)) for order in canceled]
        return replies.UserStatusSet(user_id, USER_STATUSES[disabled], orders)

    # --- keys

    async def create_key(self, request: Request) -> replies.Reply:
        """POST /admin/keys."""
        wanted = new_key(body_of(request, models.CreateKeyRequest), self._service.reading.time_ns())
        try:
            key, secret = await self._administration.create_key(wanted, self._origin(request))
        except ValueError as error:
            raise ApiError("INVALID_FIELD", f"public_key cannot be used: {error}.") from None
        return replies.CreatedKey(key.api_key, secret)

    async def keys(self, request: Request) -> replies.Reply:
        """GET /admin/keys."""
        query = query_of(request, models.KeysQuery)
        limit = codec.page_limit(query.limit, models.PAGE_MAX)
        found = await self._administration.keys(query.user_id, query.after or "", limit + 1)
        rows = [key_read(key) for key in found[:limit]]
        return replies.KeyPage(rows, rows[-1].api_key if len(found) > limit else None)

    async def revoke_key(self, request: Request) -> replies.Reply:
        """DELETE /admin/keys."""
        model = models.RevokeKeyRequest
        asked = body_of(request, model) if request.body else query_of(request, model)
        return key_read(await self._administration.revoke_key(asked.api_key, self._origin(request)))

    # --- the audit

    async def audit(self, request: Request) -> replies.Reply:
        """GET /admin/audit."""
        query = query_of(request, models.PageQuery)
        page = page_of(query)
        found = await self._administration.audit(page)
        rows = [audited(action) for action in found[: query.limit]]
        return replies.AuditPage(rows, next_of(found, page, lambda action: action.sequence))
