"""How the page and its files are served, without a browser."""

import re

import aiohttp
import pytest

from exchange.api.native import pages
from exchange.config import Config
from exchange.demo.cast import with_markets, with_users
from exchange.testing import RunningExchange

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("page", ["/", "/docs", "/docs/websocket"])
async def test_a_page_is_asked_for_again_and_its_files_are_kept(exchange: RunningExchange, page: str) -> None:
    async with aiohttp.ClientSession(exchange.url) as session:
        async with session.get(page) as reply:
            assert (reply.status, reply.headers["Cache-Control"]) == (200, "no-cache")
            html, tag = await reply.text(), reply.headers["ETag"]
        async with session.get(page, headers={"If-None-Match": tag}) as reply:
            assert (reply.status, await reply.read()) == (304, b"")
        async with session.get(page, headers={"If-None-Match": '"another"'}) as reply:
            assert (reply.status, await reply.text()) == (200, html)
        named = re.findall(r'(?:src|href)="(/static/[^"]+)"', html)
        assert {path.rsplit(".", 1)[1] for path in named} == {"css", "js", "svg"}
        for path in named:
            async with session.get(path) as reply:
                assert reply.status == 200
                assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
                assert reply.headers["X-Content-Type-Options"] == "nosniff"
                assert await reply.read() == (pages.STATIC / path.rsplit("/", 1)[1]).read_bytes()


async def test_nothing_else_of_the_directory_is_served(exchange: RunningExchange) -> None:
    async with aiohttp.ClientSession(exchange.url) as session:
        for path in (
            "/static/",
            "/static/index.html",
            "/static/docs.html",
            "/static/..%2fpackage.json",
            "/static/%2e%2e/docs.html",
        ):
            async with session.get(path) as reply:
                assert reply.status == 404, path


async def test_a_strange_host_gets_no_page(exchange: RunningExchange) -> None:
    async with aiohttp.ClientSession(exchange.url) as session:
        for path in ("/", "/static/LICENSES.txt"):
            async with session.get(path, headers={"Host": "evil.example"}) as reply:
                assert reply.status == 421, path


async def test_the_page_offers_the_users_of_the_configuration(exchange: RunningExchange) -> None:
    async with aiohttp.ClientSession(exchange.url) as session, session.get("/") as reply:
        assert re.findall('name="exchange-user" content="([^"]*)"', await reply.text()) == ["seeded"]


async def test_the_page_of_the_demo_begins_as_alice() -> None:
    users = [user.id for user in with_users(with_markets(Config())).users]
    body = pages.home_page(pages.Visitors(users)).body().decode()
    assert re.findall('name="exchange-user" content="([^"]*)"', body) == ["alice", "bob", "random1", "random2"]


async def test_the_page_of_an_exchange_with_keys_names_no_user() -> None:
    body = pages.home_page(pages.Visitors(["alice"], sign_in=True)).body().decode()
    assert '<meta name="exchange-auth" content="keys">' in body
    assert "alice" not in body


async def test_the_name_of_an_offered_user_cannot_add_to_the_page() -> None:
    body = pages.home_page(pages.Visitors(['"><script>alert(1)</script>'])).body().decode()
    assert "<script>alert" not in body


@pytest.mark.parametrize("name", ["index.html", "docs.html", "websocket.html"])
async def test_a_page_loads_nothing_from_elsewhere(name: str) -> None:
    html = (pages.STATIC / name).read_text(encoding="utf-8")
    assert "://" not in html
    assert "<style" not in html
    assert " style=" not in html
    assert re.findall(r"<script(?![^>]* src=)", html) == []


async def test_the_licenses_of_all_that_is_bundled_are_served() -> None:
    text = (pages.STATIC / "LICENSES.txt").read_text(encoding="utf-8")
    for words in (
        "TradingView Lightweight Charts™",
        "https://www.tradingview.com/",
        "Apache License",
        "preact",
        "fancy-canvas",
    ):
        assert words in text
