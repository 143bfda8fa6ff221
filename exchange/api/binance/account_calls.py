"""The calls about a user's account: balances, fees, limits and filters."""

import zlib
from typing import Any

from exchange.api.binance import numbers
from exchange.api.binance.asked import Asked
from exchange.api.binance.errors import mandatory
from exchange.api.binance.filters import account_filters, asset_filters, exchange_filters
from exchange.api.binance.limits import BinanceLimits
from exchange.api.binance.order_calls import discount, rate
from exchange.api.binance.symbols import Symbols, symbol_of
from exchange.core.instrument import Instrument
from exchange.service.service import Service

FEE_UNIT_PPM = 100  # commissions as whole numbers are in parts of ten thousand


class AccountCalls:
    """The calls, over the service."""

    def __init__(self, service: Service, symbols: Symbols, limits: BinanceLimits) -> None:
        self._service = service
        self._symbols = symbols
        self._limits = limits

    async def account(self, asked: Asked) -> Any:
        """Balances and fees. The fees are the highest of the user's in all markets: each market has its own."""
        omit_zero = asked.params.flag("omitZeroBalances")
        asked.params.done()
        accounts = await self._service.reading.balances(asked.user_id)
        held = {account.asset: (account.available_minor, account.locked_minor) for account in accounts}
        balances = []
        for asset in sorted(self._service.assets.values(), key=lambda asset: asset.symbol):
            free, locked = held.get(asset.symbol, (0, 0))
            if free or locked or not omit_zero:
                amounts = numbers.amount(asset, free), numbers.amount(asset, locked)
                balances.append({"asset": asset.symbol, "free": amounts[0], "locked": amounts[1]})
        fees = (await self._service.fees.of_user(asked.user_id)).rates
        maker_ppm = max((maker_ppm for _, maker_ppm, _ in fees), default=0)
        taker_ppm = max((taker_ppm for _, _, taker_ppm in fees), default=0)
        return {
            "makerCommission": maker_ppm // FEE_UNIT_PPM,
            "takerCommission": taker_ppm // FEE_UNIT_PPM,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": _rates(maker_ppm, taker_ppm),
            "canTrade": asked.user_id not in self._service.engine.venue.disabled,
            "canWithdraw": False,
            "canDeposit": False,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": asked.time(self._service.reading.time_ns()),
            "accountType": "SPOT",
            "balances": balances,
            "permissions": ["SPOT"],
            "uid": uid(asked.user_id),
        }

    async def commission(self, asked: Asked) -> Any:
        """The user's fee rates in a market."""
        rules = self._rules(asked)
        asked.params.done()
        [(_, *rates)] = (await self._service.fees.of_user(asked.user_id, rules.symbol)).rates
        none = _rates(0, 0)
        return {
            "symbol": symbol_of(rules),
            "standardCommission": _rates(*rates),
            "specialCommission": none,
            "taxCommission": none,
            "discount": discount(),
        }

    async def order_counts(self, asked: Asked) -> Any:
        """How many orders the user has placed in the windows that limit them."""
        asked.params.done()
        return self._limits.orders_of(asked.user_id)

    async def filters(self, asked: Asked) -> Any:
        """The filters that count what the user has."""
        rules = self._rules(asked)
        asked.params.done()
        return {
            "exchangeFilters": exchange_filters(self._service.filters),
            "symbolFilters": account_filters(rules),
            "assetFilters": asset_filters(rules),
        }

    async def allocations(self, asked: Asked) -> Any:
        """None: nothing here is allocated."""
        self._rules(asked)
        for name in ("startTime", "endTime", "fromAllocationId", "limit", "orderId"):
            asked.params.integer(name)
        asked.params.done()
        return []

    def _rules(self, asked: Asked) -> Instrument:
        if "symbol" not in asked.params:
            raise mandatory("symbol")
        return self._symbols.rules(asked.params.needed("symbol"))


def uid(user_id: str) -> int:
    """A number for a user, the same at each start."""
    return zlib.crc32(user_id.encode())


def _rates(maker_ppm: int, taker_ppm: int) -> dict[str, str]:
    return {"maker": rate(maker_ppm), "taker": rate(taker_ppm), "buyer": numbers.ZERO, "seller": numbers.ZERO}
