"""An exchange for your own tests: a real one, in a process of its own, that keeps nothing.

With pytest, ask for the fixtures `exchange_server` and `exchange_user` (see `plugin`; they are there wherever this
package is installed). Elsewhere: `with running_exchange() as exchange: Client(exchange.url, exchange.user(SOL="1"))`.
"""

from exchange.testing.process import ExchangeFailed, RunningExchange, running_exchange

__all__ = ["ExchangeFailed", "RunningExchange", "running_exchange"]
