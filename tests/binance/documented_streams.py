"""The documented answers and events of Binance's sockets, and whether a message is like one of them.

`documented_streams.json` holds facts of web-socket-streams.md, user-data-stream.md and web-socket-api.md, in the form
of `documented.json`.
"""

import json
from pathlib import Path
from typing import Any

from tests.binance.documented import problems

EXAMPLES = json.loads(Path(__file__).with_name("documented_streams.json").read_text(encoding="utf-8"))["examples"]


def documented(file: str, section: str, number: int = 0) -> Any:
    """The shape of an example of that section: the first of several, unless a number is given."""
    found = [one["shape"] for one in EXAMPLES if (one["file"], one["section"]) == (file, section)]
    return found[number]


def differences(said: Any, shape: Any) -> list[str]:
    """What of the shape is not so. A list may be empty: a side of a book may be."""
    return [problem for problem in problems(shape, said) if not problem.endswith(" is empty")]
