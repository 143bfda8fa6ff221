"""The REST calls about a user's own API keys. New keys come from an administrator."""

from exchange.api.http.request import Request
from exchange.api.native import codec, models, replies
from exchange.api.native.decoding import body_of, query_of
from exchange.api.native.errors import ApiError
from exchange.api.native.key_codec import key_read
from exchange.service.principal import Permission
from exchange.service.service import Service


class RestKeys:
    """The operations; the table of calls has the permission that each needs."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._administration = service.administration

    async def own_keys(self, request: Request) -> replies.Reply:
        """GET /keys."""
        query = query_of(request, models.OwnKeysQuery)
        user_id, limit = (
            self._user(request, query.user_id, Permission.READ),
            codec.page_limit(query.limit, models.PAGE_MAX),
        )
        found = await self._administration.keys(user_id, query.after or "", limit + 1)
        rows = [key_read(key) for key in found[:limit]]
        return replies.KeyPage(rows, rows[-1].api_key if len(found) > limit else None)

    async def revoke_own_key(self, request: Request) -> replies.Reply:
        """DELETE /keys. A key of somebody else is not there."""
        model = models.RevokeOwnKeyRequest
        asked = body_of(request, model) if request.body else query_of(request, model)
        user_id = self._user(request, asked.user_id, Permission.TRADE)
        key = await self._administration.key(asked.api_key)
        if key is None or key.user_id != user_id:
            raise ApiError("UNKNOWN_KEY")
        assert request.principal is not None, "the call is in the table as a public one"
        revoked = await self._administration.revoke_key(key.api_key, self._administration.origin(request.principal))
        return key_read(revoked)

    def _user(self, request: Request, named: str | None, needed: Permission) -> str:
        assert request.principal is not None, "the call is in the table as a public one"
        return self._service.user(request.principal, named, needed)
