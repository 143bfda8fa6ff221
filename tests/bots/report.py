"""What the calls of a client came to, a line each. This runs in the client's environment: it needs nothing else."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "bots.md"
USUAL_ADDRESS = "http://127.0.0.1:8080"
PASSED, FAILED, EXPLAINED = "passed", "failed", "explained"


class Report:
    """The lines of one client."""

    def __init__(self) -> None:
        self.lines: list[dict[str, str]] = []

    def add(self, call: str, result: str, note: str = "") -> None:
        """A line."""
        self.lines.append({"call": call, "result": result, "note": note})

    def passed(self, call: str, ask: Callable[[], Any], right: Callable[[Any], bool] = lambda _: True) -> Any:
        """A call that must succeed, and whose answer must be right. Returns the answer."""
        try:
            answer = ask()
        except Exception as error:  # a client may raise anything, and the next call is made all the same
            self.add(call, FAILED, f"{type(error).__name__}: {error}"[:300])
            return None
        if right(answer):
            self.add(call, PASSED)
        else:
            self.add(call, FAILED, f"an unexpected answer: {answer!r}"[:300])
        return answer

    def refused(self, call: str, kind: str, ask: Callable[[], Any]) -> None:
        """A call that Binance would refuse as well, and whose client then raises this kind of error."""
        try:
            answer = ask()
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
            fits = kind in found
            self.add(call, PASSED if fits else FAILED, f"refused: {kind}" if fits else found[:300])
        else:
            self.add(call, FAILED, f"it was not refused: {answer!r}"[:300])

    def explained(self, call: str, why: str) -> None:
        """A call that is not made, and why Binance would refuse it here as well."""
        self.add(call, EXPLAINED, why)

    def end(self) -> None:
        """Print the lines, and end with 1 if a call failed."""
        json.dump(self.lines, sys.stdout)
        sys.exit(any(line["result"] == FAILED for line in self.lines))


def example(heading: str, url: str, language: str) -> str:
    """The lines under a heading of docs/bots.md, with the address of this exchange in them."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found, f"docs/bots.md has no example under {heading}"
    text = found[1]
    for scheme in ("http", "ws"):
        text = text.replace(USUAL_ADDRESS.replace("http", scheme), url.replace("http", scheme, 1))
    return text


def pointed(heading: str, url: str) -> dict[str, Any]:
    """What the example under a heading of docs/bots.md defines, with the address of this exchange in it."""
    text = example(heading, url, "python")
    names: dict[str, Any] = {}
    exec(text, names)  # the page says that these lines are tested
    return names
