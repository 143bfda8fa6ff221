"""Postings of a user or of the fee account, newest first: what each trade and each other transfer moved.

A page is cut from two histories that are both in order: fills, by trade id, and transfers, by sequence and asset. Its
cursor says how far it came in each.
"""

from dataclasses import dataclass
from typing import Final

from exchange.core.commands import Side
from exchange.core.instrument import Instrument
from exchange.core.ledger import FEES
from exchange.core.money import TransferKind
from exchange.core.venue import Venue
from exchange.service.history import ID_MAX, History, LedgerFill, LedgerTransfer

POSTINGS_OF_TRADE: Final = 8  # at most: numbers of one trade's postings of one user
CAUSES: Final = tuple(kind.name.lower() for kind in TransferKind)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ends: the postings of trades below `number`, and transfers before `sequence` and `asset`."""

    number: int = ID_MAX * POSTINGS_OF_TRADE
    sequence: int = ID_MAX
    asset: str = ""


@dataclass(slots=True)
class Posting:
    """What moved in an account of a user; below zero it has left. Of a trade it has the market and the trade."""

    cause: str
    asset: str
    amount_minor: int
    time_ns: int
    market: str | None
    trade_id: int | None
    key: str | None


@dataclass(slots=True)
class _Found:
    """A posting, and the cursor of a page that ends with it."""

    posting: Posting
    number: int
    sequence: int
    asset: str


class LedgerReading:
    """Pages of postings."""

    def __init__(self, venue: Venue, history: History) -> None:
        self._venue = venue
        self._history = history

    async def page(
        self, user_id: str, asset: str | None, limit: int, before: Cursor
    ) -> tuple[list[Posting], Cursor | None]:
        """The newest `limit` postings before the cursor, of one asset or of all, and the cursor of the next page.

        Of the fee account a page may have fewer: it is made of so many trades, whether they paid a fee or not.
        """
        rules = {symbol: market.instrument for symbol, market in self._venue.markets.items()}
        markets = None
        if asset is not None:
            markets = [symbol for symbol, traded in rules.items() if asset in (traded.base.symbol, traded.quote.symbol)]
        # Of the first trade up to six postings may be on the page before.
        upto, lowest = (before.number - 1) // POSTINGS_OF_TRADE, 0
        if user_id == FEES:
            paid = await self._history.ledger_fees(upto, limit)
            fills, lowest = paid.fills, (paid.low + 1) * POSTINGS_OF_TRADE if paid.more else 0
        else:
            fills = await self._history.ledger_fills(user_id, markets, upto, limit + POSTINGS_OF_TRADE)
        found_in = _fees_of if user_id == FEES else _of_fill
        moved = await self._history.ledger_transfers(user_id, asset, before.sequence, before.asset, limit + 1)
        trades = [
            found
            for fill in fills
            for found in found_in(fill, rules[fill.market])
            if asset in (None, found.posting.asset) and found.number < before.number
        ]
        trades.sort(key=lambda found: -found.number)
        return _merged(trades, [_of_transfer(transfer) for transfer in moved], limit, before, lowest)


def _merged(
    trades: list[_Found], transfers: list[_Found], limit: int, before: Cursor, lowest: int
) -> tuple[list[Posting], Cursor | None]:
    """A page of both. With a `lowest` there may be more trades below that number, which were not looked at."""
    page: list[Posting] = []
    at, other = 0, 0
    number, sequence, asset = before.number, before.sequence, before.asset
    while len(page) < limit and (at < len(trades) or (other < len(transfers) and not lowest)):
        newer = other < len(transfers) and (
            at == len(trades) or transfers[other].posting.time_ns >= trades[at].posting.time_ns
        )
        found = transfers[other] if newer else trades[at]
        if newer:
            sequence, asset, other = found.sequence, found.asset, other + 1
        else:
            number, at = found.number, at + 1
        page.append(found.posting)
    if lowest and at == len(trades):
        return page, Cursor(lowest, sequence, asset)
    more = at < len(trades) or other < len(transfers)
    return page, Cursor(number, sequence, asset) if more else None


def _of_fill(fill: LedgerFill, rules: Instrument) -> list[_Found]:
    """The base and the quote that moved, and the fee if there was one."""
    sign = 1 if fill.side is Side.BUY else -1
    fee_asset = rules.fees_in(fill.side is Side.BUY).symbol
    rows = [
        ("trade", rules.base.symbol, sign * fill.quantity_lots * rules.lot_minor),
        ("trade", rules.quote.symbol, -sign * fill.quote_minor),
        *([("fee", fee_asset, -fill.fee_minor)] if fill.fee_minor else []),
    ]
    first = fill.trade_id * POSTINGS_OF_TRADE + (0 if fill.is_taker else 3)
    return [
        _Found(Posting(cause, asset, amount, fill.time_ns, fill.market, fill.trade_id, None), first + place, 0, "")
        for place, (cause, asset, amount) in enumerate(rows)
    ]


def _fees_of(fill: LedgerFill, rules: Instrument) -> list[_Found]:
    """The fee that one side of a trade paid, in the fee account; below zero it is a rebate."""
    if not fill.fee_minor:
        return []
    asset = rules.fees_in(fill.side is Side.BUY).symbol
    number = fill.trade_id * POSTINGS_OF_TRADE + (0 if fill.is_taker else 3)
    posting = Posting("fee", asset, fill.fee_minor, fill.time_ns, fill.market, fill.trade_id, None)
    return [_Found(posting, number, 0, "")]


def _of_transfer(moved: LedgerTransfer) -> _Found:
    cause = CAUSES[moved.kind]
    posting = Posting(cause, moved.asset, moved.amount_minor, moved.time_ns, None, None, moved.key)
    return _Found(posting, 0, moved.sequence, moved.asset)
