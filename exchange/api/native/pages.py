"""What is read as it is, without a request to decode: the page, the description of the API, and the metrics."""

import hashlib
import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).parent.parent.parent / "web"
STATIC = WEB / "static"
"""The built page; a name here changes with the content, except those of UNHASHED."""
UNHASHED = ("index.html", "docs.html", "websocket.html", "LICENSES.txt")
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
VISITORS = b"<!--visitors-->"
OFFERED_MAX = 4
# Only the page's own files (and the icons of Swagger UI, which are data), no inline script or style, this server alone.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True, slots=True)
class Visitors:
    """Whom the page acts for: one of these users, at first the first, or with `sign_in` whoever signs in with a key."""

    users: Sequence[str] = ()
    sign_in: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One row of what is served to `GET`."""

    path: str
    summary: str
    content_type: str
    body: Callable[[], bytes]
    headers: dict[str, str]


def openapi_page(body: Callable[[], bytes]) -> Page:
    """`/openapi.json`."""
    return Page("/openapi.json", "This description", "application/json", body, {})


def asyncapi_page(body: Callable[[], bytes]) -> Page:
    """`/asyncapi.json`."""
    return Page("/asyncapi.json", "A description of the WebSocket", "application/json", body, {})


def metrics_page(body: Callable[[], bytes]) -> Page:
    """`/metrics`."""
    content_type = "text/plain; version=0.0.4; charset=utf-8"
    return Page("/metrics", "Metrics in Prometheus' text format", content_type, body, {"Cache-Control": "no-store"})


def docs_page() -> Page:
    """`/docs`: a viewer of the description, which loads nothing from elsewhere."""
    return _static_page("/docs", "A page to read this description", STATIC / "docs.html", PAGE_HEADERS)


def websocket_page() -> Page:
    """`/docs/websocket`: the messages of the WebSocket, from `/asyncapi.json`."""
    summary = "A page to read the description of the WebSocket"
    return _static_page("/docs/websocket", summary, STATIC / "websocket.html", PAGE_HEADERS)


def home_page(visitors: Visitors) -> Page:
    """`/` for a browser: the page to trade on."""
    told = [("exchange-user", user) for user in visitors.users[:OFFERED_MAX]]
    if visitors.sign_in:
        told = [("exchange-auth", "keys")]
    metas = "".join(f'<meta name="{name}" content="{html.escape(content)}">' for name, content in told)
    file = STATIC / "index.html"
    body = file.read_bytes().replace(VISITORS, metas.encode())
    return _page_of("/", "The page to trade on", file, body, PAGE_HEADERS)


def static_pages() -> list[Page]:
    """What the page is made of, under `/static/`."""
    files = (path for path in sorted(STATIC.iterdir()) if path.suffix != ".html")
    return [_static_page(f"/static/{path.name}", "A file of the page", path, {}) for path in files]


def _static_page(path: str, summary: str, file: Path, headers: dict[str, str]) -> Page:
    return _page_of(path, summary, file, file.read_bytes(), headers)


def _page_of(path: str, summary: str, file: Path, body: bytes, headers: dict[str, str]) -> Page:
    kept = "no-cache" if file.name in UNHASHED else "public, max-age=31536000, immutable"
    headers = {
        **headers,
        "Cache-Control": kept,
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Page(path, summary, CONTENT_TYPES[file.suffix], lambda: body, headers)
