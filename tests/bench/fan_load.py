"""Many subscribers in a process of their own: the time from a trade's order until the last one has its message.

At the exchange each trade is a bid that rests, and then an order that takes it, from which the time counts; at the
limit one socket says what the exchange's sockets heard, and the server sends it to all others.
"""

import asyncio
import gc
import sys
import time

import msgspec
import orjson
import uvloop

from tests.bench.flow import MAKERS, MARKET, MID_TICKS, TAKERS
from tests.bench.socket_load import Frames, connect, masked

TRADE_TIMEOUT_S = 10.0
CONNECT_AT_ONCE = 100


class FanJob(msgspec.Struct, frozen=True):
    """So many trades to so many sockets. With a `message` the server is the limit, which sends it on."""

    url: str
    subscribers: int
    trades: int
    warmup: int
    message: str | None = None


class FanSlice(msgspec.Struct, frozen=True):
    """Each trade's time to the last subscriber, ascending, and what one of them heard."""

    took_ns: list[int]
    message: str


class Crowd:
    """All sockets of a job; `everybody` is set when each has heard of the trade."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.missing = 0
        self.everybody = asyncio.Event()
        self.message = b""
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    def heard(self, body: bytes) -> None:
        # An event of a channel has data; what answers a subscription has not.
        if b'"trade_id"' in body:
            self.message = body
            self.missing -= 1
            if not self.missing:
                self.everybody.set()

    def answered(self, body: bytes) -> None:
        self.answers.put_nowait(body)

    async def ask(self, socket: Frames, message: bytes) -> bytes:
        socket.transport.write(masked(message))
        return await asyncio.wait_for(self.answers.get(), TRADE_TIMEOUT_S)

    def expect(self) -> None:
        self.missing = self.size
        self.everybody.clear()


def _order(user_id: str, side: str, time_in_force: str) -> bytes:
    price = f"{MID_TICKS // 100}.{MID_TICKS % 100:02d}"
    order = {"message_type": "ORDER", "user_id": user_id, "market": MARKET, "side": side, "order_type": "limit"}
    return orjson.dumps(order | {"price": price, "quantity": "0.01", "time_in_force": time_in_force})


async def run(job: FanJob) -> FanSlice:
    """Connect everybody, make the trades one after the other, and leave."""
    crowd = Crowd(job.subscribers)
    room = asyncio.Semaphore(CONNECT_AT_ONCE)

    async def join() -> Frames:
        async with room:
            return await connect(job.url, crowd.heard)

    sockets = await asyncio.gather(*(join() for _ in range(job.subscribers)))
    speaker = await connect(job.url, crowd.answered)
    if job.message is None:
        for socket in sockets:
            socket.transport.write(masked(orjson.dumps({"message_type": "SUBSCRIBE", "channel": f"trade@{MARKET}"})))
    await asyncio.sleep(1.0)
    gc.collect()
    gc.disable()
    took_ns = []
    for number in range(job.warmup + job.trades):
        crowd.expect()
        if job.message is None:
            reply = orjson.loads(await crowd.ask(speaker, _order(MAKERS[number % 500], "buy", "gtc")))
            assert reply["message_type"] == "RESULT", reply
        begun_ns = time.perf_counter_ns()
        order = _order(TAKERS[number % 500], "sell", "ioc")
        speaker.transport.write(masked(order if job.message is None else job.message.encode()))
        await asyncio.wait_for(crowd.everybody.wait(), TRADE_TIMEOUT_S)
        if number >= job.warmup:
            took_ns.append(time.perf_counter_ns() - begun_ns)
        if job.message is None:
            await asyncio.wait_for(crowd.answers.get(), TRADE_TIMEOUT_S)
    for socket in (*sockets, speaker):
        socket.transport.close()
    await asyncio.sleep(0.1)
    return FanSlice(sorted(took_ns), crowd.message.decode())


def main() -> None:
    """Run the job on standard input."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=FanJob)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(run(job))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
