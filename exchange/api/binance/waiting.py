"""A listener of one command that a coroutine waits for."""

import asyncio

from exchange.service.results import Result


class Waiting:
    """Its `result` is awaited."""

    __slots__ = ("result",)

    def __init__(self) -> None:
        self.result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    def done(self, result: Result) -> None:
        """Take the result."""
        if not self.result.done():
            self.result.set_result(result)

    def failed(self, error: BaseException) -> None:
        """Take the reason why there is none."""
        if not self.result.done():
            self.result.set_exception(error)

    def looks_up(self) -> None:
        """The result comes later."""
