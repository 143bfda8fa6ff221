"""What the model does with money that is no trade's: deposits, withdrawals, transfers and resets, each under a key."""

from exchange.core.administration import CreateUser
from exchange.core.commands import Deposit
from exchange.core.events import ExpireReason, RejectReason
from exchange.core.money import EndWithdrawal, RequestWithdrawal, ResetUser, TransferFunds, WithdrawalStatus
from tests.model_admin import Administered
from tests.model_known import Keyed
from tests.model_records import FEES, Move, Order, Told

MONEY_MAX = 10**38  # every amount and balance stays below it


class Money(Administered):
    """All of it."""

    def _under_key(self, command: Keyed, told: Told) -> bool:
        """Whether the key is taken; then the command is a retry, or refused."""
        pending = [found.request for found in self.withdrawals if found.status is WithdrawalStatus.PENDING]
        same_key = [other for other in (*self.remembered_keys(), *pending) if other.key == command.key]
        if same_key:
            told.duplicate = same_key[0] == command
            told.refusals = set() if told.duplicate else {RejectReason.KEY_CONFLICT}
        return bool(same_key)

    def _deposit(self, command: Deposit, told: Told) -> None:
        if self._under_key(command, told):
            return
        if not 0 < command.amount_minor < MONEY_MAX - self.supply(command.asset):
            told.refusals = {RejectReason.OUT_OF_RANGE}
            return
        self.users.add(command.user_id)
        self._carried_out(command, [Move(None, command.user_id, command.asset, command.amount_minor)], told)

    def _create_user(self, command: CreateUser, told: Told) -> None:
        moves = []
        for asset, amount in command.balances:
            deposit, before = Deposit(command.user_id, asset, amount, f"user:{command.user_id}:{asset}"), Told()
            if self._under_key(deposit, before):
                told.refusals |= before.refusals
            elif not 0 < amount < MONEY_MAX - self.supply(asset):
                told.refusals.add(RejectReason.OUT_OF_RANGE)
            else:
                moves.append((deposit, Move(None, command.user_id, asset, amount)))
        if told.refusals:
            return
        told.new_user = command.user_id not in self.users
        self.users.add(command.user_id)
        for deposit, move in moves:
            self._carried_out(deposit, [move], told)
        told.moves = [move for _, move in moves]

    def _request_withdrawal(self, command: RequestWithdrawal, now_ns: int, told: Told) -> None:
        if self._under_key(command, told):
            return
        told.refusals = self._why_not(command.user_id, command.asset, command.amount_minor)
        if not told.refusals:
            self.note_withdrawal(command, now_ns)
            self._carried_out(command, [], told)

    def _end_withdrawal(self, command: EndWithdrawal, now_ns: int, told: Told) -> None:
        named = [found for found in self.known_withdrawals() if found.request.key == command.key]
        if not named:
            told.refusals = {RejectReason.UNKNOWN_WITHDRAWAL}
            return
        found, wanted = named[0], WithdrawalStatus.SETTLED if command.settles else WithdrawalStatus.RELEASED
        if found.status is WithdrawalStatus.PENDING:
            found.status, found.ended_ns, asked = wanted, now_ns, found.request
            if command.settles:
                told.moves = [Move(asked.user_id, None, asked.asset, asked.amount_minor)]
                self._move(told.moves)
        elif found.status is not wanted:
            told.refusals = {RejectReason.WITHDRAWAL_ENDED}

    def _transfer(self, command: TransferFunds, told: Told) -> None:
        if self._under_key(command, told):
            return
        told.refusals = self._why_not(command.from_user_id, command.asset, command.amount_minor)
        if command.to_user_id not in self.users:
            told.refusals.add(RejectReason.UNKNOWN_USER)
        if command.from_user_id == command.to_user_id:
            told.refusals.add(RejectReason.OUT_OF_RANGE)
        if not told.refusals:
            move = Move(command.from_user_id, command.to_user_id, command.asset, command.amount_minor)
            self._carried_out(command, [move], told)

    def _reset(self, command: ResetUser, now_ns: int, told: Told) -> None:
        if self._under_key(command, told):
            return
        user, wanted = command.user_id, dict(command.balances)
        if user not in self.users:
            told.refusals.add(RejectReason.UNKNOWN_USER)
        for asset, amount in wanted.items():
            has = self.totals[user, asset] - self.withdrawing(user, asset)
            if not 0 <= amount < MONEY_MAX - (self.supply(asset) - has):
                told.refusals.add(RejectReason.OUT_OF_RANGE)
        if told.refusals:
            return
        self._cancel_in_all_markets(user, ExpireReason.USER_RESET, now_ns, told)
        moves = []
        for asset in sorted({*wanted, *(asset for who, asset in self.accounts if who == user)}):
            change = wanted.get(asset, 0) - self.available(user, asset)
            if change:
                giver, getter = (None, user) if change > 0 else (user, None)
                moves.append(Move(giver, getter, asset, abs(change)))
        self._carried_out(command, moves, told)

    def _cancel_in_all_markets(self, user: str, why: ExpireReason, now_ns: int, told: Told) -> None:
        """Market by market, by name; in each in the order in which they came to rest."""
        for order in sorted((*self.resting, *self.waiting), key=lambda order: (order.terms.market, order.priority)):
            if order.terms.user_id == user and order.is_open:
                order.expire_reason = why
                self.take_out(order, now_ns, told)

    def take_out(self, order: Order, now_ns: int, told: Told) -> None:
        raise NotImplementedError

    def _why_not(self, user: str, asset: str, amount: int) -> set[RejectReason]:
        if user != FEES and user not in self.users:
            return {RejectReason.UNKNOWN_USER}
        reasons = set() if 0 < amount < MONEY_MAX else {RejectReason.OUT_OF_RANGE}
        return reasons | ({RejectReason.INSUFFICIENT_BALANCE} if amount > self.available(user, asset) else set())

    def _carried_out(self, command: Keyed, moves: list[Move], told: Told) -> None:
        self.keyed.append(command)
        told.moves = moves
        self._move(moves)

    def _move(self, moves: list[Move]) -> None:
        for move in moves:
            for who, amount in ((move.giver, -move.amount), (move.getter, move.amount)):
                if who is None:
                    self.supplies[move.asset] -= amount
                elif who == FEES:
                    self.fees[move.asset] += amount
                else:
                    self._credit(who, move.asset, amount)

    def _credit(self, user: str, asset: str, amount: int) -> None:
        self.totals[user, asset] += amount
        self.accounts.add((user, asset))
