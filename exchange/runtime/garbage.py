"""Python's garbage collector, set for a process that keeps a million orders and makes no cycles to speak of.

Nearly everything here dies by its reference count. As Python sets it, the collector would look through the young
objects several times a request, and now and then through every order in the books, which takes a sixth of a second
for a million of them. Here it looks at the young seldom, and what survives that is not looked at again.
"""

import gc
from typing import Any

YOUNG_OBJECTS = 50_000  # made and still there: more than all requests in flight hold, so that most are gone by then
YOUNG_ROUNDS = 2  # then what has survived is old: to look through more of it would be a pause


def configure() -> None:
    """Take what is there now for old, and whatever gets old later. Once a process; tests may ask again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_ROUNDS, 1 << 30)
    if _keep_old not in gc.callbacks:
        gc.callbacks.append(_keep_old)


def _keep_old(phase: str, info: dict[str, Any]) -> None:
    if phase == "stop" and info["generation"] > 0:
        gc.freeze()
