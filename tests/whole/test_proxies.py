"""Behind a reverse proxy: the limits, keys and the audit see the client's address, if the proxy is listed."""

import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import psutil  # type: ignore[import-untyped]
import pytest

from tests.patience import PATIENCE_S
from tests.ports import free_port
from tests.whole import certificates, served
from tests.whole.api import Api

DEPLOY = Path(__file__).resolve().parents[2] / "docs" / "deploy"
LIMITS = "\n[limits]\nenabled = true\nrequests_per_s = 0.001\nrequests_burst = 3\n"
Start = Callable[[str], served.Served]


def trusting(*proxies: str) -> str:
    """A configuration that trusts these, with three requests for each address."""
    listed = ", ".join(f'"{proxy}"' for proxy in proxies)
    return served.CONFIG.replace("[server]\n", f"[server]\ntrusted_proxies = [{listed}]\n") + LIMITS


async def statuses(url: str, path: str, *clients: str) -> list[int]:
    """How requests of these clients are answered, all through one connection."""
    found = []
    async with aiohttp.ClientSession() as session:
        for client in clients:
            async with session.get(f"{url}{path}", headers={"X-Forwarded-For": client}) as reply:
                found.append(reply.status)
    return found


@pytest.mark.parametrize("path", ["/time", "/"])  # of the protocol, and of the application that serves pages
async def test_each_client_of_a_listed_proxy_has_its_own_limit(start: Start, path: str) -> None:
    exchange = start(trusting("127.0.0.0/8"))
    clients = ["192.0.2.1"] * 4 + ["192.0.2.2"] * 3 + ["6.6.6.6, 192.0.2.2"]
    assert await statuses(exchange.url, path, *clients) == [200, 200, 200, 429, 200, 200, 200, 429]


async def test_the_header_of_anybody_else_says_nothing(start: Start) -> None:
    exchange = start(trusting("10.0.0.0/8"))
    clients = [f"192.0.2.{number}" for number in range(5)]
    assert await statuses(exchange.url, "/time", *clients) == [200, 200, 200, 429, 429]


async def test_a_socket_has_the_clients_address_too(start: Start) -> None:
    exchange = start(trusting("127.0.0.1"))
    async with aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.ws_connect(f"{exchange.url}/ws", headers={"X-Forwarded-For": "192.0.2.1"}):
                pass
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"{exchange.url}/ws", headers={"X-Forwarded-For": "192.0.2.1"})
        assert refused.value.status == 429
        async with session.ws_connect(f"{exchange.url}/ws", headers={"X-Forwarded-For": "192.0.2.2"}):
            pass


async def test_in_dev_mode_nobody_is_an_administrator_through_a_proxy(start: Start) -> None:
    exchange = start(trusting("127.0.0.1"))
    async with aiohttp.ClientSession() as session:
        api = Api(session, exchange.url)
        for address in ("127.0.0.1", "192.0.2.1", ""):
            status, _ = await api.call("GET", "/admin/users", headers={"X-Forwarded-For": address})
            assert status == 403


def nginx(place: Path, text: str, port: int) -> list[str]:
    """The command of an nginx that has docs/deploy/nginx.conf, on another port and before another exchange."""
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    text = text.replace("/etc/ssl/exchange/fullchain.pem", str(place / "certificate.pem"))
    text = text.replace("/etc/ssl/exchange/privkey.pem", str(place / "key.pem"))
    stores = "".join(
        f"{kind}_temp_path {place}/{kind};\n" for kind in ("client_body", "fastcgi", "uwsgi", "scgi", "proxy")
    )
    around = f"daemon off; error_log stderr; pid {place}/pid; events {{}}\nhttp {{\naccess_log off;\n{stores}{text}}}\n"
    (place / "nginx.conf").write_text(around)
    return ["nginx", "-c", str(place / "nginx.conf"), "-e", "stderr"]


def caddy(place: Path, text: str, port: int) -> list[str]:
    """The same for docs/deploy/Caddyfile, with a certificate from files."""
    site = f"https://localhost:{port}, https://127.0.0.1:{port} {{\n\ttls {place}/certificate.pem {place}/key.pem"
    text = text.replace("exchange.example {", site)
    (place / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + text)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(place / "Caddyfile")]


PROXIES = {"nginx": ("nginx.conf", nginx), "caddy": ("Caddyfile", caddy)}


@contextmanager
def proxy(name: str, exchange: served.Served) -> Iterator[str]:
    """The address of a proxy before the exchange, while it runs."""
    place, (file, command) = exchange.place, PROXIES[name]
    certificates.make(place / "certificate.pem", place / "key.pem")
    text = (DEPLOY / file).read_text(encoding="utf-8").replace("127.0.0.1:8080", exchange.url.removeprefix("http://"))
    port = free_port()
    with (place / "proxy.log").open("w") as log:
        started = psutil.Popen(command(place, text, port), stdout=log, stderr=log, cwd=place, env=home(place))
        try:
            wait_for(f"https://127.0.0.1:{port}/time", place)
            yield f"https://localhost:{port}"
        finally:
            started.terminate()
            started.wait()


def home(place: Path) -> dict[str, str]:
    return served.plain_environment() | {"HOME": str(place), "XDG_DATA_HOME": str(place), "XDG_CONFIG_HOME": str(place)}


def wait_for(url: str, place: Path) -> None:
    """Return when the proxy serves."""
    until = time.monotonic() + PATIENCE_S
    context = certificates.trusting(place / "certificate.pem")
    while True:
        try:
            with urllib.request.urlopen(url, context=context) as reply:
                assert reply.status == 200
                return
        except OSError:
            assert time.monotonic() < until, (place / "proxy.log").read_text()
            time.sleep(served.POLL_S)


@pytest.mark.parametrize("name", PROXIES)
async def test_the_documented_proxy_passes_orders_sockets_and_addresses_on(start: Start, name: str) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name}")
    listed = '\ntrusted_proxies = ["127.0.0.1"]\nallowed_hosts = ["exchange.example"]\n'
    text = served.CONFIG.replace("[server]\n", f"[server]{listed}") + served.market_text("SOL") + served.USER
    exchange = start(text + LIMITS.replace("burst = 3", "burst = 8"))
    with proxy(name, exchange) as url:
        context = certificates.trusting(exchange.place / "certificate.pem")
        for local in ("127.0.0.5", "127.0.0.6"):  # the clients
            connector = aiohttp.TCPConnector(ssl=context, local_addr=(local, 0))
            async with aiohttp.ClientSession(connector=connector) as session:
                api = Api(session, url)
                order = await api.order("seeded", "SOL_USDC", "buy 1 @ 10")
                async with session.ws_connect(f"{url}/ws", origin=url) as ws:
                    await ws.send_json({"message_type": "SUBSCRIBE", "channels": ["depth@SOL_USDC"]})
                    assert "SOL_USDC" in str(await ws.receive_json())
                await api.ok("DELETE", "/order", user_id="seeded", market="SOL_USDC", order_id=order["order_id"])
                assert (await api.call("GET", "/admin/users"))[0] == 403
                async with session.get(f"{url}/metrics") as reply:
                    assert reply.status == 403  # to these addresses
                found = [(await api.call("GET", "/time"))[0] for _ in range(6)]
                assert found[0] == 200
                assert found[-1] == 429, "each client has its own bucket, which is empty by now"
