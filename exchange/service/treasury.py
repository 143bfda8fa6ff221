"""Money that an administrator moves, and the faucet, from which users credit themselves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exchange.core.administration import Origin
from exchange.core.commands import CancelOrder, Command, Deposit
from exchange.core.events import BalanceChanged, Duplicate, OrderUpdated, Rejected, RejectReason
from exchange.core.ledger import FEES
from exchange.core.money import EndWithdrawal, MoneyCommand, RequestWithdrawal, ResetUser, TransferFunds, Withdrawal
from exchange.core.outcome import Applied
from exchange.core.venue import Venue
from exchange.pipeline.engine import Engine
from exchange.service.codes import Code, Refused, refusal_of
from exchange.service.queries import Balances


@dataclass(slots=True)
class WithdrawalRead:
    """The withdrawal of a key, as long as it is pending or its key is remembered."""

    key: str

    def answer(self, venue: Venue) -> Withdrawal | None:
        """A record never changes; another takes its place."""
        return venue.treasury.withdrawal(self.key)


@dataclass(slots=True)
class Faucet:
    """What a user may credit themselves with: the amounts by asset, once in each interval. None: there is no faucet."""

    amounts_minor: dict[str, int] | None
    interval_s: int


class Treasury:
    """The actions. Raises Refused."""

    def __init__(self, engine: Engine, faucet: Callable[[], Faucet]) -> None:
        self._engine = engine
        self._faucet = faucet

    # --- withdrawals and transfers

    async def request_withdrawal(self, command: RequestWithdrawal) -> Withdrawal:
        """Lock what is to be withdrawn; the withdrawal as it is now, also after a retry."""
        self.require_account(command.user_id)
        await self._carry_out(command)
        return await self._withdrawal(command.key)

    async def end_withdrawal(self, command: EndWithdrawal) -> Withdrawal:
        """Settle or release a withdrawal; as it is then."""
        before = await self._engine.read(WithdrawalRead(command.key))
        applied = await self._carry_out(command)
        found = await self._engine.read(WithdrawalRead(command.key))
        if found is None:  # its key is no longer remembered, now that it has ended
            assert before is not None
            assert applied is not None
            return Withdrawal(
                *(before.sequence, before.key, before.user_id, before.asset, before.amount_minor),
                *(command.status, before.requested_ns, applied.time_ns),
            )
        return found

    async def transfer(self, command: TransferFunds) -> None:
        """Move an amount to a user, once a key."""
        self.require_account(command.from_user_id)
        self._require_user(command.to_user_id)
        await self._carry_out(command)

    async def balances(self, user_id: str) -> list[BalanceChanged]:
        """All accounts of a user, or of the fees."""
        self.require_account(user_id)
        return await self._engine.read(Balances(user_id))

    # --- for tests of users

    async def reset(self, command: ResetUser) -> tuple[list[OrderUpdated], list[BalanceChanged]]:
        """Cancel all and set the balances, once a key: the canceled orders, and the balances.

        It is applied after every command that was taken before it in any market: a cancel of no order waits its turn
        in each of them.
        """
        self._require_user(command.user_id)
        markets = sorted(self._engine.venue.markets)
        turns: list[Command] = [CancelOrder(command.user_id, market, 0, None) for market in markets]
        outcomes = await self._engine.submit_all([*turns, command])
        outcome = outcomes[-1]
        if not isinstance(outcome, Applied | Duplicate):
            raise refusal_of(outcome)
        events = outcome.events if isinstance(outcome, Applied) else []
        canceled = [event for event in events if isinstance(event, OrderUpdated)]
        return canceled, await self._engine.read(Balances(command.user_id))

    async def draw(self, user_id: str, asset: str, origin: Origin) -> Sequence[BalanceChanged]:
        """Credit a user with what the faucet gives of the asset, once in each interval; the balances after it. A user
        who is disabled gets nothing."""
        faucet = self._faucet()
        if faucet.amounts_minor is None:
            raise Refused(Code.NOT_FOUND, "There is no faucet here.")
        amount_minor = faucet.amounts_minor.get(asset)
        if amount_minor is None:
            raise Refused(Code.UNKNOWN_ASSET, f"The faucet gives none of {asset}.")
        if user_id in self._engine.venue.disabled:
            raise Refused(Code.USER_DISABLED, "The user is disabled and may draw nothing from the faucet.")
        now_s = self._engine.time_ns() // 1_000_000_000
        turn = now_s // faucet.interval_s
        # The key, which no client can give to a deposit, makes it once in each interval.
        command = Deposit(user_id, asset, amount_minor, f"faucet:{user_id}:{asset}:{turn}", origin)
        outcome = await self._engine.submit(command)
        if isinstance(outcome, Duplicate):
            wait_s = (turn + 1) * faucet.interval_s - now_s
            raise Refused(
                Code.RATE_LIMITED, f"The faucet gives {asset} again in {wait_s} s.", retry_after_s=max(1, wait_s)
            )
        if not isinstance(outcome, Applied):
            raise refusal_of(outcome)
        return await self._engine.read(Balances(user_id))

    # --- shared

    async def _withdrawal(self, key: str) -> Withdrawal:
        found = await self._engine.read(WithdrawalRead(key))
        if found is None:
            raise Refused(Code.UNKNOWN_WITHDRAWAL)
        return found

    async def _carry_out(self, command: MoneyCommand) -> Applied | None:
        outcome = await self._engine.submit(command)
        if isinstance(outcome, Rejected) and outcome.reason is RejectReason.UNKNOWN_USER:
            raise Refused(Code.NOT_FOUND, "There is no such user.")
        if not (outcome is None or isinstance(outcome, Applied | Duplicate)):
            raise refusal_of(outcome)
        return outcome if isinstance(outcome, Applied) else None

    def _require_user(self, user_id: str) -> None:
        if not self._engine.venue.ledger.has_user(user_id):
            raise Refused(Code.NOT_FOUND, f"There is no user {user_id[:64]}.")

    def require_account(self, user_id: str) -> None:
        """A user, or the fees."""
        if user_id != FEES:
            self._require_user(user_id)
