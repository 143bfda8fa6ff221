"""`generator.c`: compiled on first use into `.bench`, named by what it was made of, and run once a job."""

import hashlib
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
BUILD_DIR = Path(__file__).resolve().parents[2] / ".bench"
BUILD_TIMEOUT_S = 60.0
RESULT = struct.Struct("=8q")
LENGTHS = struct.Struct("=2I")


@dataclass(frozen=True, slots=True)
class Sent:
    """What the program returns. `replies` are status and body, of each reply or of those that are no 200."""

    latencies_ns: Sequence[int]
    wall_s: float
    cpu_s: float
    answered: int
    reply_bytes: int
    begun_ns: int
    errors: Counter[str]
    replies: list[tuple[int, bytes]]


@cache
def program(compiler: str = "cc") -> Path | None:
    """The program, compiled if it is not there yet; None where there is no compiler that can."""
    found = shutil.which(compiler)
    if found is None:
        return None
    target = BUILD_DIR / f"generator-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]}"
    if target.exists():
        return target
    BUILD_DIR.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD_DIR) as scratch:
        made = Path(scratch) / "generator"
        done = subprocess.run(
            [found, "-O2", "-o", str(made), str(SOURCE)], capture_output=True, timeout=BUILD_TIMEOUT_S, check=False
        )
        if done.returncode:
            return None
        for older in BUILD_DIR.glob("generator-*"):
            older.unlink(missing_ok=True)
        # In one step: two processes may compile it at the same time.
        made.replace(target)
    return target


def run(
    program: Path,
    requests: Sequence[tuple[bytes, bytes]],
    *,
    host: str,
    port: int,
    connections: int,
    warmup_s: float,
    duration_s: float | None,
    keep: bool,
    split: bool,
) -> Sent:
    """Send the requests (head and body) in turn until the time is over, or each once."""
    numbers = (port, connections, int(warmup_s * 1000), int((duration_s or 0) * 1000), int(keep), int(split))
    begun_ns = time.perf_counter_ns() + int(warmup_s * 1e9)
    done = subprocess.run(
        [str(program), socket.gethostbyname(host), *map(str, numbers)],
        input=b"".join(LENGTHS.pack(len(head), len(body)) + head + body for head, body in requests),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace").strip() or f"generator: code {done.returncode}")
    return parsed(done.stdout, begun_ns)


def parsed(output: bytes, begun_ns: int) -> Sent:
    """What the output says; its layout stands at the top of the source."""
    count, wall_ns, cpu_ns, answered, reply_bytes, unreadable, disconnected, running = RESULT.unpack_from(output)
    at = RESULT.size
    latencies_ns = struct.unpack_from(f"={count}q", output, at)
    at += 8 * count
    replies = []
    while at < len(output):
        status, length = LENGTHS.unpack_from(output, at)
        at += LENGTHS.size
        replies.append((status, output[at : at + length]))
        at += length
    errors = Counter({"UNREADABLE_REPLY": unreadable, "DISCONNECTED": disconnected, "NO_REPLY": running})
    return Sent(latencies_ns, wall_ns / 1e9, cpu_ns / 1e9, answered, reply_bytes, begun_ns, +errors, replies)
