"""TLS on both ports: calls, pages and sockets; certificates that are renewed, and files that cannot be used."""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from exchange.api.http.tls import Tls, tls_of
from exchange.config import ServerConfig
from exchange.failure import Failure
from tests.whole import certificates, served
from tests.whole.api import Api, order_body

TLS = """tls_certificate = "{certificate}"
tls_key = "{key}"
"""


@pytest.fixture
def place() -> Iterator[Path]:
    with served.directory() as made:
        yield made


@pytest.fixture
def secured(place: Path) -> Iterator[served.Served]:
    """An exchange with a certificate of its own."""
    certificate, key = place / "certificate.pem", place / "key.pem"
    certificates.make(certificate, key)
    text = served.CONFIG.replace("[server]\n", "[server]\n" + TLS.format(certificate=certificate, key=key))
    exchange = served.Served(place, text + served.market_text("SOL") + served.USER, ephemeral=True)
    try:
        yield exchange.start()
    finally:
        exchange.end()


def session_of(exchange: served.Served) -> aiohttp.ClientSession:
    context = certificates.trusting(exchange.place / "certificate.pem")
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))


async def test_calls_pages_and_sockets_work_on_both_ports(secured: served.Served) -> None:
    assert secured.url.startswith("https://127.0.0.1:")
    assert secured.ws_url.startswith("wss://127.0.0.1:")
    other = secured.ws_url.replace("wss://", "https://")
    async with session_of(secured) as session:
        api = Api(session, secured.url)
        user = await api.user(SOL="5")
        order = await api.order(user, "SOL_USDC", "sell 1 @ 100")
        async with session.get(f"{other}/order", params={"user_id": user, "market": "SOL_USDC", **ids(order)}) as reply:
            assert (await reply.json())["status"] == "open"
        async with session.get(f"{secured.url}/") as reply:
            assert reply.content_type == "text/html"
        for url in (f"{secured.url}/ws", secured.ws_url):
            async with session.ws_connect(url) as ws:
                await ws.send_json({"message_type": "SUBSCRIBE", "channels": ["depth@SOL_USDC"]})
                answer = await ws.receive_json()
                assert "SOL_USDC" in str(answer)
        # A page of one port may use the other, also over TLS.
        headers = {"Origin": other}
        async with session.post(f"{secured.url}/order", json=bid(user), headers=headers) as reply:
            assert reply.status == 422
        async with session.get(f"{secured.url}/metrics") as reply:
            text = await reply.text()
    expires = float(text.partition("\nexchange_tls_certificate_expires_seconds ")[2].split("\n")[0])
    assert 29 < (expires - time.time()) / 86_400 < 31
    assert secured.stop() == 0
    assert "Traceback" not in secured.said()


def ids(order: dict[str, object]) -> dict[str, str]:
    return {"order_id": str(order["order_id"])}


def bid(user: str) -> dict[str, object]:
    return order_body(user, "SOL_USDC", "buy 1 @ 0.001")


async def test_large_and_pipelined_replies_arrive_whole(secured: served.Served) -> None:
    host, port = secured.url.removeprefix("https://").split(":")
    context = certificates.trusting(secured.place / "certificate.pem")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    request = f"GET /openapi.json HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    writer.write(request * 5)
    for _ in range(5):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        assert len(await reader.readexactly(length)) == length > 100_000
    writer.close()
    await writer.wait_closed()
    async with session_of(secured) as session, session.get(f"{secured.url}/health") as reply:
        assert reply.status == 200
    assert "eof_received" not in secured.said()


async def test_plain_http_is_not_served_and_is_no_error(secured: served.Served) -> None:
    host, port = secured.url.removeprefix("https://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert not (await reader.read()).startswith(b"HTTP")
    writer.close()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.to_thread(handshake, host, int(port), context)
    assert secured.stop() == 0
    assert '"level": "error"' not in secured.said()


def handshake(host: str, port: int, context: ssl.SSLContext) -> None:
    with socket.create_connection((host, port)) as plain, context.wrap_socket(plain):
        pass


def test_a_renewed_certificate_is_taken_and_one_that_does_not_fit_is_not(place: Path) -> None:
    certificate, key = place / "certificate.pem", place / "key.pem"
    certificates.make(certificate, key, days=10)
    tls = Tls(certificate, key)
    first = tls.expires_s
    tls.look()
    assert tls.expires_s == first
    certificates.make(place / "other.pem", key, days=50)  # the key alone
    tls.look()
    assert tls.expires_s == first
    key.unlink()
    tls.look()
    assert tls.expires_s == first
    certificates.make(certificate, key, days=50)
    tls.look()
    assert tls.expires_s > first
    assert (tls.expires_s - time.time()) / 86_400 > 49


def test_one_file_may_have_both(place: Path) -> None:
    both = place / "both.pem"
    certificates.make(both, both)
    assert tls_of(ServerConfig(tls_certificate=str(both))) is not None
    assert tls_of(ServerConfig()) is None


@pytest.mark.parametrize(
    ("certificate", "key", "said"),
    [
        ("none.pem", "key.pem", "none.pem cannot be read: No such file or directory."),
        ("certificate.pem", "none.pem", "none.pem cannot be read: No such file or directory."),
        ("key.pem", "key.pem", "is not a certificate in PEM format."),
        ("certificate.pem", "other-key.pem", "it belongs to another certificate."),
        ("certificate.pem", "sealed-key.pem", "does not fit the certificate"),
        ("certificate.pem", "certificate.pem", "does not fit the certificate"),
        ("empty.pem", "key.pem", "is not a certificate in PEM format."),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(place: Path, certificate: str, key: str, said: str) -> None:
    certificates.make(place / "certificate.pem", place / "key.pem")
    certificates.make(place / "other.pem", place / "other-key.pem")
    certificates.make(place / "sealed.pem", place / "sealed-key.pem", password=b"secret")
    (place / "empty.pem").touch()
    with pytest.raises(Failure) as failed:
        Tls(place / certificate, place / key)
    assert said in str(failed.value)
    assert str(failed.value).endswith(".")
    assert failed.value.exit_code == 2


def test_the_start_ends_with_that_sentence_and_makes_no_database(place: Path) -> None:
    environment = {"EXCHANGE_SERVER_TLS_CERTIFICATE": str(place / "none.pem")}
    ended = served.command("serve", "--data-dir", str(place / "data"), environment=environment)
    assert ended.returncode == 2
    assert served.one_sentence(ended)
    assert not (place / "data").exists()
    ended = served.command("serve", environment={"EXCHANGE_SERVER_TLS_KEY": "key.pem"})
    assert (ended.returncode, served.one_sentence(ended)) == (2, True)


def test_an_expired_certificate_is_served_with_a_warning(place: Path) -> None:
    both = place / "both.pem"
    certificates.make(both, both, days=-1)
    text = served.CONFIG.replace("[server]\n", f'[server]\ntls_certificate = "{both}"\n')
    exchange = served.Served(place, text, ephemeral=True)
    try:
        exchange.start()
        assert exchange.stop() == 0
    finally:
        exchange.end()
    assert exchange.said().count("the TLS certificate has expired") == 1
