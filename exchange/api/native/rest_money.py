"""The REST calls about money that no trade moves: withdrawals, transfers, resets, the faucet, and a user's ledger."""

import re
from collections.abc import Mapping

from exchange.api.http.request import Request
from exchange.api.native import codec, encode, fields, models, replies, replies_money
from exchange.api.native.decoding import body_of, query_of
from exchange.api.native.errors import ApiError
from exchange.api.native.names import WITHDRAWAL_STATUS_NAMES
from exchange.api.native.paging import next_of, page_of
from exchange.core.administration import Origin
from exchange.core.instrument import Asset
from exchange.core.ledger import FEES
from exchange.core.money import EndWithdrawal, RequestWithdrawal, ResetUser, TransferFunds, Withdrawal
from exchange.service.ledger import Cursor, Posting
from exchange.service.principal import Permission
from exchange.service.service import Service

NS_PER_MS = 1_000_000
_CURSOR = re.compile(r"([0-9]{1,20})\.([0-9]{1,19})(?:\.([A-Za-z0-9]{1,16}))?", re.ASCII)


class RestMoney:
    """The operations; the table of calls has the permission that each needs."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._treasury = service.treasury

    # --- of administrators

    async def account(self, request: Request) -> replies.Reply:
        """GET /admin/balance."""
        user_id = _account("user_id", query_of(request, models.AccountQuery).user_id)
        accounts = await self._treasury.balances(user_id)
        return replies.Balances(user_id, encode.balances(accounts, self._service.assets))

    async def request_withdrawal(self, request: Request) -> replies.Reply:
        """POST /admin/withdrawals."""
        body = body_of(request, models.WithdrawalRequest)
        user_id, key = _account("user_id", body.user_id), codec.decode_name("key", body.key)
        asset = self._asset(body.asset)
        amount_minor = fields.minor(asset, body.amount)
        command = RequestWithdrawal(user_id, asset.symbol, amount_minor, key, self._origin(request))
        return self._withdrawal(await self._treasury.request_withdrawal(command))

    async def settle_withdrawal(self, request: Request) -> replies.Reply:
        """POST /admin/withdrawals/settle."""
        return await self._end(request, settles=True)

    async def release_withdrawal(self, request: Request) -> replies.Reply:
        """POST /admin/withdrawals/release."""
        return await self._end(request, settles=False)

    async def _end(self, request: Request, *, settles: bool) -> replies.Reply:
        key = codec.decode_name("key", body_of(request, models.WithdrawalKeyRequest).key)
        command = EndWithdrawal(key, settles, self._origin(request))
        return self._withdrawal(await self._treasury.end_withdrawal(command))

    async def all_withdrawals(self, request: Request) -> replies.Reply:
        """GET /admin/withdrawals."""
        query = query_of(request, models.AllWithdrawalsQuery)
        return await self._withdrawals(None if query.user_id is None else _account("user_id", query.user_id), query)

    async def account_ledger(self, request: Request) -> replies.Reply:
        """GET /admin/ledger."""
        query = query_of(request, models.AccountLedgerQuery)
        user_id = _account("user_id", query.user_id)
        self._treasury.require_account(user_id)
        return await self._ledger(user_id, query)

    async def transfer(self, request: Request) -> replies.Reply:
        """POST /admin/transfers."""
        body = body_of(request, models.TransferRequest)
        gives, gets = _account("from_user_id", body.from_user_id), codec.decode_name("to_user_id", body.to_user_id)
        key, asset = codec.decode_name("key", body.key), self._asset(body.asset)
        if gives == gets:
            raise ApiError("INVALID_FIELD", "from_user_id and to_user_id must be two users.")
        amount_minor = fields.minor(asset, body.amount)
        await self._treasury.transfer(
            TransferFunds(gives, gets, asset.symbol, amount_minor, key, self._origin(request))
        )
        return replies_money.Transfer(key, gives, gets, asset.symbol, asset.text(amount_minor))

    async def reset_user(self, request: Request) -> replies.Reply:
        """POST /admin/reset."""
        body = body_of(request, models.ResetRequest)
        user_id, key = codec.decode_name("user_id", body.user_id), codec.decode_name("key", body.key)
        # In one order, so that a retry is the same also if it names the assets in another.
        balances = tuple(
            (symbol, fields.minor(self._asset(symbol), text)) for symbol, text in sorted(body.balances.items())
        )
        command = ResetUser(user_id, balances, key, self._origin(request))
        canceled, accounts = await self._treasury.reset(command)
        orders = [encode.order(order, self._service.rules(order.terms.market)) for order in canceled]
        return replies_money.UserReset(user_id, orders, encode.balances(accounts, self._service.assets))

    # --- of users

    async def faucet(self, request: Request) -> replies.Reply:
        """POST /faucet."""
        body = body_of(request, models.FaucetRequest)
        assert request.principal is not None
        user_id = self._service.user(request.principal, body.user_id, Permission.TRADE)
        origin = Origin(user_id, self._origin(request).address)
        accounts = await self._treasury.draw(user_id, body.asset[:20], origin)
        return replies.Balances(user_id, encode.balances(accounts, self._service.assets))

    async def ledger(self, request: Request) -> replies.Reply:
        """GET /ledger."""
        query = query_of(request, models.LedgerQuery)
        assert request.principal is not None
        return await self._ledger(self._service.user(request.principal, query.user_id, Permission.READ), query)

    async def withdrawals(self, request: Request) -> replies.Reply:
        """GET /withdrawals."""
        query = query_of(request, models.WithdrawalsQuery)
        assert request.principal is not None
        return await self._withdrawals(self._service.user(request.principal, query.user_id, Permission.READ), query)

    # --- shared

    async def _withdrawals(
        self, user_id: str | None, query: models.WithdrawalsQuery | models.AllWithdrawalsQuery
    ) -> replies.Reply:
        if query.status is not None:
            fields.choice("status", query.status, {"pending": True})
        page = page_of(query)
        found = await self._service.reading.withdrawals(user_id, query.status is not None, page)
        rows = [self._withdrawal(each) for each in found[: query.limit]]
        return replies_money.WithdrawalPage(rows, next_of(found, page, lambda each: each.sequence))

    async def _ledger(self, user_id: str, query: models.LedgerQuery | models.AccountLedgerQuery) -> replies.Reply:
        limit = codec.page_limit(query.limit, models.PAGE_MAX)
        asset = None if query.asset is None else self._asset(query.asset).symbol
        page, following = await self._service.ledger.page(user_id, asset, limit, _cursor(query.before))
        assets = self._service.assets
        return replies_money.LedgerPage([_posting(posting, assets) for posting in page], _cursor_text(following))

    def _origin(self, request: Request) -> Origin:
        assert request.principal is not None, "the call is in the table as a public one"
        return self._service.administration.origin(request.principal)

    def _asset(self, symbol: str) -> Asset:
        asset = self._service.assets.get(symbol)
        if asset is None:
            raise ApiError("UNKNOWN_ASSET", f"There is no asset {symbol[:20]}.")
        return asset

    def _withdrawal(self, found: Withdrawal) -> replies_money.Withdrawal:
        return replies_money.Withdrawal(
            found.key,
            found.user_id,
            found.asset,
            self._service.assets[found.asset].text(found.amount_minor),
            WITHDRAWAL_STATUS_NAMES[found.status],
            found.requested_ns // NS_PER_MS,
            None if found.ended_ns is None else found.ended_ns // NS_PER_MS,
        )


def _account(name: str, text: str) -> str:
    """A user, or the fees. Raises ApiError."""
    return text if text == FEES else codec.decode_name(name, text)


def _cursor(text: str | None) -> Cursor:
    """Where a page begins. Raises ApiError."""
    if text is None:
        return Cursor()
    found = _CURSOR.fullmatch(text)
    newest = Cursor()
    if found is None or int(found[1]) > newest.number or int(found[2]) > newest.sequence:
        raise ApiError("INVALID_FIELD", "before must be the next of another page.")
    return Cursor(int(found[1]), int(found[2]), found[3] or "")


def _cursor_text(cursor: Cursor | None) -> str | None:
    if cursor is None:
        return None
    return f"{cursor.number}.{cursor.sequence}" + (f".{cursor.asset}" if cursor.asset else "")


def _posting(posting: Posting, assets: Mapping[str, Asset]) -> replies_money.Posting:
    return replies_money.Posting(
        posting.cause,
        posting.asset,
        assets[posting.asset].text(posting.amount_minor),
        posting.time_ns // NS_PER_MS,
        posting.market,
        None if posting.trade_id is None else str(posting.trade_id),
        posting.key,
    )
