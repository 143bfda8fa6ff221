"""What is logged, and where it goes: a line each, and nothing that a log can do ends or stops the exchange."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

PREPARED = """
import asyncio, logging, os, sys, threading, warnings
import structlog
from exchange import logs
logs.configure()
log = structlog.get_logger()
"""


def run(program: str, **streams: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", PREPARED + program], check=False, timeout=60, **streams)


def logged(program: str) -> list[dict[str, Any]]:
    """The lines of a program that ends well, each of which is one JSON object."""
    ended = run(program, stderr=subprocess.PIPE)
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stderr.splitlines()]


@pytest.mark.parametrize(
    ("program", "level", "words"),
    [
        ('log.info("a\\nb", c="\\u2028")', "info", "a\nb"),
        ('logging.getLogger("aiohttp.websocket").warning("words %r", "\\nof\\na client")', "warning", "of"),
        ('logging.getLogger("x").error("%d marks", "no number")', "error", "%d marks"),
        ('try: 1 / 0\nexcept ZeroDivisionError: logging.getLogger("x").exception("broken")', "error", "broken"),
        ('warnings.warn("old way", UserWarning)', "warning", "old way"),
        ('class Bad:\n def __del__(self): 1 / 0\nBad()', "error", "xception ignored"),
        ('thread = threading.Thread(target=lambda: 1 / 0)\nthread.start()\nthread.join()', "error", "a thread failed"),
        ("async def f():\n loop = asyncio.get_running_loop()\n logs.watch_loop(loop)\n"
         " loop.call_exception_handler({'message': 'task failed', 'exception': ZeroDivisionError()})\n"
         "asyncio.run(f())", "error", "task failed"),
    ],
)  # fmt: skip
def test_whoever_logs_it_a_line_is_one_object(program: str, level: str, words: str) -> None:
    (line,) = logged(program)
    assert line["level"] == level
    assert words in line["event"]
    assert line["timestamp"]


@pytest.mark.parametrize("error", ["ConnectionResetError(104, 'reset')", "BrokenPipeError()"])
def test_a_connection_that_is_lost_is_no_error_of_ours(error: str) -> None:
    program = f"""
async def f():
    loop = asyncio.get_running_loop()
    logs.watch_loop(loop)
    loop.call_exception_handler({{"message": "Task exception was never retrieved", "exception": {error}}})
asyncio.run(f())
try:
    raise {error}
except OSError:
    logging.getLogger("aiohttp.server").exception("Error handling request")
"""
    assert logged(program) == []


COUNTED = """
for number in range(3): log.info("one", number=number)
os.write(1, str(logs.lines_dropped()).encode())
"""


def test_a_pipe_without_a_reader_drops_and_counts() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = run(COUNTED, stdout=subprocess.PIPE, stderr=writer)
    os.close(writer)
    assert (ended.returncode, ended.stdout) == (0, b"3")


def test_a_full_disk_drops_and_counts() -> None:
    with open("/dev/full", "wb") as full:
        ended = run(COUNTED, stdout=subprocess.PIPE, stderr=full)
    assert (ended.returncode, ended.stdout) == (0, b"3")


def test_a_closed_standard_error_drops_and_counts_and_no_file_gets_its_lines() -> None:
    program = PREPARED + 'file = open("/dev/null"); assert file.fileno() > 2\n' + COUNTED
    ended = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, program],
        stdout=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (0, b"3")


@pytest.mark.parametrize("blocking", [True, False])
def test_a_reader_that_does_not_read_stops_nobody_and_gets_whole_lines(*, blocking: bool) -> None:
    """Also in the middle of a long line: what was begun is finished before another line is written."""
    program = """
while not logs.lines_dropped(): log.info("many", words="x" * 10_000)
logs.announce("full")
os.read(0, 1)
log.info("after")
"""
    reader, writer = os.pipe()
    os.set_blocking(writer, blocking)
    with subprocess.Popen(
        [sys.executable, "-c", PREPARED + program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=writer
    ) as child:
        os.close(writer)
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"full\n"
        said = os.read(reader, 1 << 20)
        child.stdin.write(b".")
        child.stdin.close()
        while piece := os.read(reader, 1 << 20):
            said += piece
        assert child.wait(60) == 0
    os.close(reader)
    lines = [json.loads(line) for line in said.splitlines()]
    assert [line["event"] for line in lines] == ["many"] * (len(lines) - 1) + ["after"]


def test_nothing_commands_a_terminal() -> None:
    program = """
import pty, select
reader, writer = pty.openpty()
os.dup2(writer, 2)
logs.configure()
log.info("clear \\x1b[2J\\r\\x07 the screen", name="\\x1b]0;title\\x07")
said = os.read(reader, 10000)
assert b"\\x1b[2J" not in said and b"\\x1b]0" not in said and b"\\x07" not in said, said
assert b"\\\\x1b[2J" in said, said
"""
    assert run(program, stderr=subprocess.PIPE).stderr == b""


def test_log_lines_go_to_a_display_on_the_same_terminal_and_nowhere_else_afterwards() -> None:
    program = """
import pty
reader, writer = pty.openpty()
os.dup2(writer, 2)
logs.configure()
shown = []
with logs.displayed(shown.append):
    log.warning("meanwhile")
    logging.getLogger("x").warning("by a library")
log.warning("afterwards")
said = os.read(reader, 10000).decode()
assert len(shown) == 2 and "meanwhile" in shown[0] and "by a library" in shown[1], shown
assert "afterwards" in said and "meanwhile" not in said, said
"""
    assert run(program).returncode == 0


def test_a_log_that_goes_elsewhere_is_left_alone() -> None:
    program = """
import json
reader, writer = os.pipe()
os.dup2(writer, 2)
logs.configure()
shown = []
with logs.displayed(shown.append):
    log.warning("meanwhile")
assert shown == [] and json.loads(os.read(reader, 10000))["event"] == "meanwhile"
"""
    assert run(program).returncode == 0
