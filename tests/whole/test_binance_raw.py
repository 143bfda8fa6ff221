"""Requests of the Binance-compatible dialect as bytes: what no client library sends, and many at once."""

import asyncio

import orjson
import pytest
from yarl import URL

from tests.patience import PATIENCE_S
from tests.whole.api import Api
from tests.whole.binance import Bot, now_ms

ORDER = "/api/v3/order/test"
UNREADABLE = {
    "letters that are not encoded": "GET /api/v3/time?symbol=\u00e9 HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a fragment": "GET /api/v3/time#now HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a method that there is not": "get /api/v3/time HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a header that cannot be": "GET /api/v3/time HTTP/1.1\r\nHost: {host}\r\nX-MBX-APIKEY: \0\r\n\r\n",
    "a long head": "GET /api/v3/time?a=" + "1" * 20_000 + " HTTP/1.1\r\nHost: {host}\r\n\r\n",
}


async def replies(url: URL, sent: bytes, count: int) -> list[tuple[int, dict[str, object]]]:
    """The statuses and bodies of so many replies to these bytes."""
    found = []
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        async with asyncio.timeout(PATIENCE_S):
            writer.write(sent)
            for _ in range(count):
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                found.append((int(head.split(" ")[1]), orjson.loads(await reader.readexactly(length))))
    finally:
        writer.close()
    return found


def request(bot: Bot, target: str, body: str = "") -> bytes:
    """A signed request as bytes."""
    lines = f"POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-MBX-APIKEY: {bot.api_key}\r\n"
    return f"{lines}Content-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.fixture
async def bot(api: Api, market: str) -> Bot:
    user = await api.user(USDC="100000")
    return Bot.of_user(api.session, api.url, user, market.replace("_", ""))


@pytest.mark.parametrize("what", UNREADABLE)
async def test_what_cannot_be_read_is_refused_in_this_dialect(api: Api, what: str) -> None:
    sent = UNREADABLE[what].replace("{host}", "127.0.0.1").encode("latin-1")
    [(status, answer)] = await replies(URL(api.url), sent, 1)
    assert status in (400, 413)
    assert set(answer) == {"code", "msg"}
    assert isinstance(answer["code"], int)


async def test_every_byte_of_a_signature_counts(api: Api, bot: Bot) -> None:
    query = f"symbol={bot.symbol}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=10&timestamp={now_ms()}"
    right = bot.sign(query.encode())
    signatures = [right, right.upper(), "".join(f"%{ord(letter):x}" for letter in right)]
    signatures += [right[:at] + ("0" if letter != "0" else "1") + right[at + 1 :] for at, letter in enumerate(right)]
    signatures += [right[:-1], right + "0", right + "%00", "%20" + right, "%ff"]
    sent = b"".join(request(bot, f"{ORDER}?{query}&signature={signature}") for signature in signatures)
    found = await replies(URL(api.url), sent, len(signatures))
    assert [status for status, _ in found] == [200] * 3 + [400] * (len(signatures) - 3)
    assert {answer["code"] for _, answer in found[3:]} == {-1022}


async def test_parameters_are_split_anywhere_between_query_and_body(api: Api, bot: Bot) -> None:
    query = f"symbol={bot.symbol}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=10&timestamp={now_ms()}"
    parts, sent = query.split("&"), []
    for at in range(len(parts) + 1):
        first, second = "&".join(parts[:at]), "&".join(parts[at:])
        signature = "signature=" + bot.sign((first + second).encode())
        sent.append(request(bot, f"{ORDER}?{'&'.join(filter(None, (first, signature)))}", second))
        sent.append(request(bot, f"{ORDER}?{first}", "&".join(filter(None, (second, signature)))))
        sent.append(request(bot, f"{ORDER}?{first}", "&".join(filter(None, (signature, second)))))
    assert await replies(URL(api.url), b"".join(sent), len(sent)) == [(200, {})] * len(sent)


async def test_orders_of_one_connection_are_answered_in_their_order(api: Api, bot: Bot) -> None:
    names = [f"n{number}" for number in range(150)]
    sent = b""
    for name in names:
        terms = bot.terms("BUY 0.1 @ 10", newClientOrderId=name, newOrderRespType="ACK")
        sent += request(bot, f"/api/v3/order?{bot.signed(**terms)}")
    found = await replies(URL(api.url), sent, len(names))
    assert [answer.get("clientOrderId") for _, answer in found] == names
