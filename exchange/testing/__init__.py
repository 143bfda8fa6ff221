"""A real exchange for your own tests, in a process of its own, that keeps nothing.

With pytest, use the fixtures `exchange_server` and `exchange_user` (see `plugin`; pytest finds them if this package is
installed). Otherwise: `with running_exchange() as exchange: Client(exchange.url, exchange.user(SOL="1"))`.
"""

from exchange.testing.process import ExchangeFailed, RunningExchange, running_exchange

__all__ = ["ExchangeFailed", "RunningExchange", "running_exchange"]
