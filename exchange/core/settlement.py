"""Moves the money of a fill: base one way and quote the other, less the fees."""

from typing import Final

from exchange.core.book import Order
from exchange.core.commands import Side
from exchange.core.effects import Effects
from exchange.core.fees import fee_minor, needs_minor
from exchange.core.instrument import Instrument
from exchange.core.ledger import FEES, Account, Ledger

# Looking up a member in its enum costs more than a comparison.
BUY: Final = Side.BUY


class Settlement:
    """The fills of one market, under its rules of the moment."""

    def __init__(self, rules: Instrument, ledger: Ledger) -> None:
        ledger.add_user(FEES)
        self._rules = rules
        self._base_fees: Account = ledger.account(FEES, rules.base.symbol)
        self._quote_fees: Account = ledger.account(FEES, rules.quote.symbol)

    def set_rules(self, rules: Instrument) -> None:
        """The rules from now on."""
        self._rules = rules

    def settle(self, taker: Order, maker: Order, lots: int, quote_minor: int, effects: Effects) -> tuple[int, int]:
        """Move base one way and quote the other, less each side's fee in what it receives; the taker's and the maker's.

        The taker's funds were never locked: what it gives comes out of what is available, at the maker's price.
        """
        rules, rates = self._rules, maker.rates
        base_minor = lots * rules.lot_minor
        taker_ppm = rules.taker_fee_ppm if taker.rates is None else taker.rates.taker_ppm
        maker_ppm = rules.maker_fee_ppm if rates is None else rates.maker_ppm
        of_taker, of_maker = taker.trader, maker.trader
        if taker.terms.side is BUY:
            taker_fee = fee_minor(base_minor, taker_ppm) if taker_ppm else 0
            maker_fee = fee_minor(quote_minor, maker_ppm) if maker_ppm else 0
            taker_gives, maker_gives, maker_gets = of_taker.quote, of_maker.base, of_maker.quote
            taker_gives.available -= quote_minor
            of_taker.base.available += base_minor - taker_fee
            maker_gives.locked -= base_minor
            maker_gets.available += quote_minor - maker_fee
            taker_fees, maker_fees = self._base_fees, self._quote_fees
        else:
            taker_fee = fee_minor(quote_minor, taker_ppm) if taker_ppm else 0
            maker_fee = fee_minor(base_minor, maker_ppm) if maker_ppm else 0
            taker_gives, maker_gives, maker_gets = of_taker.base, of_maker.quote, of_maker.base
            taker_gives.available -= base_minor
            of_taker.quote.available += quote_minor - taker_fee
            maker_gives.locked -= quote_minor
            maker_gets.available += base_minor - maker_fee
            taker_fees, maker_fees = self._quote_fees, self._base_fees
        assert taker_gives.available >= 0
        assert maker_gives.locked >= 0
        effects.touch(maker_gives)
        effects.touch(maker_gets)
        if taker_fee:
            taker_fees.available += taker_fee
            effects.touch(taker_fees)
        if maker_fee:
            maker_fees.available += maker_fee
            effects.touch(maker_fees)
        return taker_fee, maker_fee

    def settle_in_quote(
        self, taker: Order, maker: Order, lots: int, quote_minor: int, effects: Effects
    ) -> tuple[int, int]:
        """The same where both fees are in the quote: a buyer pays its fee besides, a seller out of what it receives.

        A rebate comes out of the taker's fee. What a buying maker had locked beyond what it pays is released.
        """
        rules, buying = self._rules, taker.terms.side is BUY
        base_minor = lots * rules.lot_minor
        maker_ppm = rules.maker_fee_ppm if maker.rates is None else maker.rates.maker_ppm
        taker_fee = fee_minor(quote_minor, rules.taker_fee_ppm if taker.rates is None else taker.rates.taker_ppm)
        maker_fee = max(fee_minor(quote_minor, maker_ppm), -taker_fee)
        of_taker, of_maker = taker.trader, maker.trader
        if buying:
            of_taker.quote.available -= quote_minor + taker_fee
            of_taker.base.available += base_minor
            of_maker.base.locked -= base_minor
            of_maker.quote.available += quote_minor - maker_fee
            assert of_taker.quote.available >= 0
            assert of_maker.base.locked >= 0
        else:
            of_taker.base.available -= base_minor
            of_taker.quote.available += quote_minor - taker_fee
            left_over_minor = needs_minor(rules, maker.rates, BUY, maker.price_ticks, lots) - quote_minor - maker_fee
            assert left_over_minor >= 0
            of_maker.quote.locked -= quote_minor + maker_fee + left_over_minor
            of_maker.quote.available += left_over_minor
            of_maker.base.available += base_minor
            assert of_taker.base.available >= 0
            assert of_maker.quote.locked >= 0
        effects.touch(of_maker.quote)
        effects.touch(of_maker.base)
        if taker_fee or maker_fee:
            self._quote_fees.available += taker_fee + maker_fee
            effects.touch(self._quote_fees)
        return taker_fee, maker_fee
