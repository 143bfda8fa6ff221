"""Signing in on the page, where the exchange takes signed requests only."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import aiohttp
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.async_api import expect

from tests.ports import free_port
from tests.web.screen import CUT, PHONE, Screen, Screens
from tests.whole.signed import Keyring, keys_exchange

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNKNOWN = "The exchange does not know this key with this secret, or the key was revoked or has expired."
Made = dict[str, Any]

# Everything of the page that keeps text, as it is in the moment in which somebody is signed in.
KEEP_WHAT_IS_THERE_WHEN_SIGNED_IN = """() => {
    window.whatIsThere = () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie,
        [...document.querySelectorAll("input")].map((input) => input.value), document.body.innerHTML]);
    const observer = new MutationObserver(() => {
        if (document.querySelector(".user-name") === null) return;
        window.kept = window.whatIsThere();
        observer.disconnect();
    });
    observer.observe(document.body, { childList: true, subtree: true });
}"""


@pytest.fixture(scope="module")
def signing() -> Iterator[Keyring]:
    with keys_exchange() as (exchange, root):
        exchange.port = free_port()  # the page finds it there again after a restart
        exchange.start()
        yield Keyring(exchange, root)
        assert exchange.stop() == 0


@pytest_asyncio.fixture(loop_scope="session")
async def ring(signing: Keyring) -> AsyncIterator[Keyring]:
    async with aiohttp.ClientSession() as session:
        signing.session = session
        yield signing


@pytest_asyncio.fixture(loop_scope="session")
async def page(screens: Screens, ring: Keyring) -> Screen:
    """The page, on which nobody is signed in."""
    return await screens.open(cast(Any, ring.exchange), "A0", "nobody")


async def key_of(ring: Keyring, *permissions: str, **more: Any) -> Made:
    """A new key of a new user, as POST /admin/keys shows it, and the user."""
    user_id = more.pop("user_id", None) or await ring.user(USDC="1000")
    wanted = {"user_id": user_id, "type": "hmac", "permissions": permissions or ("read", "trade"), **more}
    return {"user_id": user_id, **await ring.root.ok("POST", "/admin/keys", wanted)}


async def sign_in(screen: Screen, api_key: str, secret: str) -> None:
    """As a person does."""
    await screen.page.locator(".top").get_by_role("button", name="Sign in").click()
    await screen.page.get_by_label("API key", exact=True).fill(api_key)
    await screen.page.get_by_label("Secret, or Ed25519").fill(secret)
    await screen.page.locator(".sign-in").get_by_role("button", name="Sign in").click()


async def signed_in(screen: Screen, made: Made) -> None:
    await sign_in(screen, made["api_key"], made["secret"])
    await expect(screen.page.locator(".user-name")).to_have_text(made["user_id"])


async def usdc(screen: Screen, amount: str) -> None:
    """Wait for the balance."""
    balances = screen.page.get_by_role("region", name="Balances by asset")
    await expect(balances.get_by_role("row", name="USDC")).to_contain_text(amount)


async def test_without_a_key_the_page_shows_what_is_public_and_asks_for_one(page: Screen) -> None:
    await expect(page.page.get_by_label("User")).to_have_count(0)
    await expect(page.page.locator(".account .empty")).to_have_text("Sign in to see what is yours.")
    await page.page.get_by_role("button", name="Sign in to trade").click()
    await expect(page.page.get_by_role("dialog")).to_be_visible()
    found = await Axe().run(page.page)
    assert found.violations_count == 0, found.generate_report()
    await page.page.keyboard.press("Escape")
    await expect(page.page.get_by_role("dialog")).to_be_hidden()


async def test_one_signs_in_trades_and_signs_out(page: Screen, ring: Keyring) -> None:
    made = await key_of(ring)
    await signed_in(page, made)
    await usdc(page, "1,000")
    await page.fill_in(side="Buy", price="1", quantity="3")
    await page.submit()
    await expect(page.notice).to_have_text("Order placed: it rests in the book.")
    await expect(page.open_orders).to_have_count(1)
    await page.page.get_by_role("tab", name="Order history").click()
    await expect(page.page.locator(".account tbody tr")).to_have_count(1)
    await page.page.get_by_role("tab", name="Open orders").click()
    await page.open_orders.get_by_role("button", name="Cancel").click()
    await expect(page.open_orders).to_have_count(0)
    await page.page.get_by_role("button", name="Sign out").click()
    await expect(page.page.locator(".account .empty")).to_have_text("Sign in to see what is yours.")
    await expect(page.page.locator(".balances tbody tr")).to_have_count(0)
    await page.live()


async def test_the_secret_is_nowhere_on_the_page_and_gone_when_it_is_loaded_again(page: Screen, ring: Keyring) -> None:
    made = await key_of(ring)
    await page.page.evaluate(KEEP_WHAT_IS_THERE_WHEN_SIGNED_IN)
    await signed_in(page, made)
    at_once, later = await page.page.evaluate("() => [window.kept, window.whatIsThere()]")
    assert "api-key" in at_once
    assert made["secret"] not in at_once
    assert "api-key" in later
    assert made["secret"] not in later
    await page.page.reload()
    await page.live()
    await expect(page.page.locator(".user-name")).to_have_count(0)


async def test_an_ed25519_key_signs(page: Screen, ring: Keyring) -> None:
    private = Ed25519PrivateKey.generate()
    public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
    made = await key_of(ring, type="ed25519", public_key=public)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    await signed_in(page, {**made, "secret": pem})
    await usdc(page, "1,000")
    await page.page.get_by_role("tab", name="Fills").click()
    await expect(page.page.locator(".account .empty")).to_have_text("No fills yet.")


async def test_a_key_file_fills_the_form(page: Screen, ring: Keyring) -> None:
    made = await key_of(ring)
    await page.page.locator(".top").get_by_role("button", name="Sign in").click()
    file = page.page.get_by_label("Or the key file")
    await file.set_input_files({"name": "key.json", "mimeType": "application/json", "buffer": b"{}"})
    await expect(page.page.locator(".sign-in .notice")).to_contain_text("must be a JSON object with api_key")
    text = json.dumps({"api_key": made["api_key"], "secret": made["secret"]}).encode()
    await file.set_input_files({"name": "key.json", "mimeType": "application/json", "buffer": text})
    await page.page.locator(".sign-in").get_by_role("button", name="Sign in").click()
    await expect(page.page.locator(".user-name")).to_have_text(made["user_id"])


async def test_a_wrong_secret_is_said_in_words(page: Screen, ring: Keyring) -> None:
    made = await key_of(ring)
    await sign_in(page, made["api_key"], "wrong")
    await expect(page.page.locator(".sign-in .notice")).to_have_text(UNKNOWN)
    await page.page.get_by_label("Secret, or Ed25519").fill(made["secret"])
    await page.page.locator(".sign-in").get_by_role("button", name="Sign in").click()
    await expect(page.page.locator(".user-name")).to_have_text(made["user_id"])


async def test_a_machine_whose_clock_is_wrong_signs_in(screens: Screens, ring: Keyring) -> None:
    async def arrange(page: Any) -> None:
        await page.add_init_script("const right = Date.now; Date.now = () => right() + 3_600_000;")

    screen = await screens.open(cast(Any, ring.exchange), "A0", "nobody", arrange=arrange)
    await signed_in(screen, await key_of(ring))
    await usdc(screen, "1,000")


async def test_a_key_that_may_only_read_shows_and_does_not_trade(page: Screen, ring: Keyring) -> None:
    await signed_in(page, await key_of(ring, "read"))
    await usdc(page, "1,000")
    submit = page.page.locator("button.submit")
    await expect(submit).to_have_text("This key may not trade")
    await expect(submit).to_have_attribute("aria-disabled", "true")


async def test_a_key_that_is_revoked_ends_the_session(page: Screen, ring: Keyring) -> None:
    made = await key_of(ring)
    await signed_in(page, made)
    await ring.root.ok("DELETE", "/admin/keys", {"api_key": made["api_key"]})
    await expect(page.page.locator(".sign-in .notice")).to_have_text(UNKNOWN)
    await expect(page.page.locator(".user-name")).to_have_count(0)
    await page.live()


async def test_one_sees_and_revokes_ones_own_keys(page: Screen, ring: Keyring) -> None:
    made = await key_of(ring)
    other = await key_of(ring, "read", user_id=made["user_id"], label="phone", allowed_addresses=["10.0.0.0/8"])
    await signed_in(page, made)
    await page.page.get_by_role("tab", name="API keys").click()
    rows = page.page.locator("tr[data-key]")
    await expect(rows).to_have_count(2)
    await expect(rows.filter(has_text="phone")).to_contain_text("10.0.0.0/8")
    await expect(rows.filter(has_text="this one")).to_contain_text(made["api_key"][:8])
    found = await Axe().run(page.page)
    assert found.violations_count == 0, found.generate_report()
    await page.page.get_by_role("button", name="Revoke phone").click()
    await page.page.get_by_role("button", name="Revoke phone for ever").click()
    await expect(rows).to_have_count(1)
    assert await ring.root.code("DELETE", "/admin/keys", {"api_key": other["api_key"]}) == "UNKNOWN_KEY"
    await rows.get_by_role("button", name="Revoke").click()
    await rows.get_by_role("button", name="for ever").click()
    await expect(page.page.locator(".user-name")).to_have_count(0)
    await expect(page.page.locator(".account .empty")).to_have_text("Sign in to see your keys.")


async def test_a_session_outlives_a_restart_of_the_exchange(page: Screen, ring: Keyring) -> None:
    made = await key_of(ring)
    await signed_in(page, made)
    page.expects(*CUT)
    ring.exchange.stop()
    await expect(page.page.locator(".connection")).not_to_have_text("Live")
    ring.exchange.start()
    await expect(page.page.locator(".connection")).to_have_text("Live")
    await expect(page.page.locator(".user-name")).to_have_text(made["user_id"])
    await page.fill_in(side="Buy", price="1", quantity="2")
    await page.submit()
    await expect(page.notice).to_have_text("Order placed: it rests in the book.")


async def test_one_signs_in_on_a_phone(screens: Screens, ring: Keyring) -> None:
    screen = await screens.open(
        cast(Any, ring.exchange), "A0", "nobody", size=PHONE, has_touch=True, is_mobile=True, color_scheme="dark"
    )
    await signed_in(screen, await key_of(ring))
    await screen.page.get_by_role("navigation").get_by_role("button", name="Account").tap()
    await screen.page.get_by_role("tab", name="API keys").tap()
    await expect(screen.page.locator("tr[data-key]")).to_have_count(1)
    await screen.fits()
