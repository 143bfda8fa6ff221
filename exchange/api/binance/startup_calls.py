"""Calls outside `/api` that libraries make when they start, as far as a spot exchange has an answer."""

from typing import Any

from exchange.api.binance import numbers
from exchange.api.binance.asked import Asked
from exchange.api.binance.order_calls import rate
from exchange.api.binance.symbols import Symbols, symbol_of
from exchange.core.instrument import Asset
from exchange.service.service import Service


class StartupCalls:
    """The calls, over the service."""

    def __init__(self, service: Service, symbols: Symbols) -> None:
        self._service = service
        self._symbols = symbols

    async def assets(self, asked: Asked) -> Any:
        """The assets and what the user has of each. None has a network: nothing is deposited or withdrawn here."""
        asked.params.done()
        accounts = await self._service.reading.balances(asked.user_id)
        held = {account.asset: (account.available_minor, account.locked_minor) for account in accounts}
        listed = sorted(self._service.assets.values(), key=lambda asset: asset.symbol)
        return [_asset(asset, *held.get(asset.symbol, (0, 0))) for asset in listed]

    async def trade_fee(self, asked: Asked) -> Any:
        """The user's fees in a market, or in all."""
        symbol = asked.params.text("symbol")
        asked.params.done()
        markets = list(self._symbols) if symbol is None else [self._symbols.rules(symbol)]
        found = await self._service.fees.of_user(asked.user_id, None if symbol is None else markets[0].symbol)
        fees = {rules.symbol: rates for rules, *rates in found.rates}
        return [
            {
                "symbol": symbol_of(rules),
                "makerCommission": rate(fees[rules.symbol][0]),
                "takerCommission": rate(fees[rules.symbol][1]),
            }
            for rules in markets
        ]

    async def account_status(self, asked: Asked) -> Any:
        """Whether the user may trade."""
        asked.params.done()
        disabled = asked.user_id in self._service.engine.venue.disabled
        return {"data": "Disabled" if disabled else "Normal"}

    async def trading_status(self, asked: Asked) -> Any:
        """Nobody is locked out by rules here."""
        asked.params.done()
        disabled = asked.user_id in self._service.engine.venue.disabled
        return {
            "data": {
                "isLocked": disabled,
                "plannedRecoverTime": 0,
                "triggerCondition": {"GCR": 150, "IFER": 150, "UFR": 300},
                "updateTime": asked.time(self._service.reading.time_ns()),
            }
        }

    async def system_status(self, asked: Asked) -> Any:
        """It runs."""
        asked.params.done()
        self._service.reading.health()
        return {"status": 0, "msg": "normal"}

    async def restrictions(self, asked: Asked) -> Any:
        """What the key may do."""
        asked.params.done()
        denied = (
            *("enableWithdrawals", "enableInternalTransfer", "enableMargin", "enableFutures", "enableVanillaOptions"),
            *("permitsUniversalTransfer", "enablePortfolioMarginTrading", "enableFixApiTrade", "enableFixReadOnly"),
        )
        return {
            "ipRestrict": False,
            "createTime": 0,
            "enableReading": True,
            "enableSpotAndMarginTrading": True,
        } | dict.fromkeys(denied, False)

    async def nothing(self, asked: Asked) -> Any:
        """There is none of it on a spot exchange: an empty list, whatever is asked of it."""
        return []

    async def no_contracts(self, asked: Asked) -> Any:
        """The rules of futures, of which there are none."""
        return {
            "timezone": "UTC",
            "serverTime": asked.time(self._service.reading.time_ns()),
            "rateLimits": [],
            "exchangeFilters": [],
            "assets": [],
            "symbols": [],
        }


def _asset(asset: Asset, free: int, locked: int) -> dict[str, Any]:
    return {
        "coin": asset.symbol,
        "depositAllEnable": False,
        "withdrawAllEnable": False,
        "name": asset.symbol,
        "free": numbers.amount(asset, free),
        "locked": numbers.amount(asset, locked),
        "freeze": numbers.ZERO,
        "withdrawing": numbers.ZERO,
        "ipoing": numbers.ZERO,
        "ipoable": numbers.ZERO,
        "storage": numbers.ZERO,
        "isLegalMoney": False,
        "trading": True,
        "networkList": [],
    }
