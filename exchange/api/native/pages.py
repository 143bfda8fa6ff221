"""What is read as it is, without a request to decode: the page, the description of the API, and the metrics."""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).parent.parent.parent / "web"
STATIC = WEB / "static"
"""The built page; a name here changes with the content, except those of UNHASHED."""
UNHASHED = ("index.html", "LICENSES.txt")
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
# Only the page's own files, and no inline script or style; it may ask and listen to this server alone.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


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


def metrics_page(body: Callable[[], bytes]) -> Page:
    """`/metrics`."""
    content_type = "text/plain; version=0.0.4; charset=utf-8"
    return Page("/metrics", "Metrics in Prometheus' text format", content_type, body, {"Cache-Control": "no-store"})


def docs_page() -> Page:
    """`/docs`: one file that loads nothing but the description."""
    html = (WEB / "docs.html").read_bytes()
    headers = {"Content-Security-Policy": _policy(html), "X-Content-Type-Options": "nosniff"}
    return Page("/docs", "A page to read this description", "text/html; charset=utf-8", lambda: html, headers)


def home_page() -> Page:
    """`/` for a browser: the page to trade on."""
    return _static_page(
        "/", STATIC / "index.html", {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
    )


def static_pages() -> list[Page]:
    """What the page is made of, under `/static/`."""
    files = (path for path in sorted(STATIC.iterdir()) if path.name != "index.html")
    return [_static_page(f"/static/{path.name}", path, {}) for path in files]


def _static_page(path: str, file: Path, headers: dict[str, str]) -> Page:
    body = file.read_bytes()
    kept = "no-cache" if file.name in UNHASHED else "public, max-age=31536000, immutable"
    headers = {
        **headers,
        "Cache-Control": kept,
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Page(path, f"The page: {file.name}", CONTENT_TYPES[file.suffix], lambda: body, headers)


def _policy(html: bytes) -> str:
    """Only the page's own script and style may run, which it names by their digests; it may ask only this server."""

    def digests(tag: bytes) -> str:
        found = re.findall(b"<" + tag + b">(.*?)</" + tag + b">", html, re.DOTALL)
        return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'" for text in found)

    return (
        f"default-src 'none'; script-src {digests(b'script')}; style-src {digests(b'style')}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
