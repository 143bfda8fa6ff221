"""Logs: for a person on a terminal, as one JSON object a line elsewhere; both on standard error.

Promises: everything that is logged in this process, by libraries and by Python's own warnings too, takes this way; no
line is torn, waits for its reader, or raises: one that cannot be written now is dropped and counted.
Leaves out: what a command prints as its result, except `announce`, which writes to standard output in the same way.
"""

import asyncio
import contextlib
import logging
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import structlog

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_PEERS = ("websockets.exceptions", "aiohttp.http_exceptions", "aiohttp.client_exceptions")
PIECE_BYTES = 4096  # what a pipe that is ready for more takes without waiting (POSIX: PIPE_BUF)


class Lines:
    """One of the standard descriptors, written to past Python's buffers: what these keep would fail again at exit."""

    def __init__(self, fd: int) -> None:
        self.fd: int | None = fd
        self.dropped = 0
        self.display: Callable[[str], None] | None = None  # what shows lines instead
        self._rest = b""  # of a line that was begun
        self._lock = threading.RLock()  # a line may be written while garbage of another one is collected

    def write(self, line: str) -> None:
        """Write the line and its end, or drop it."""
        if self.display is not None:
            self.display(line)
            return
        data = f"{line}\n".encode(errors="backslashreplace")
        with self._lock:
            self._rest = self._push(self._rest)
            if not self._rest:
                left = self._push(data)
                if len(left) < len(data):
                    self._rest = left
                    return
            self.dropped += 1

    def _push(self, data: bytes) -> bytes:
        """Write what can be written now; the rest."""
        while data:
            try:
                if self.fd is None or not _is_ready(self.fd):
                    break
                data = data[os.write(self.fd, data[:PIECE_BYTES]) :]
            except OSError:
                break
        return data


def _is_ready(fd: int) -> bool:
    """Whether a write would not wait; for a pipe without a reader too, where the write then fails."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(0))


_OUT, _ERR = Lines(1), Lines(2)  # the process has one of each, and so have its logs


class _Level:
    """What is logged: this number and what is more serious."""

    number = logging.INFO


_AnyLogger: Any = structlog.make_filtering_bound_logger(logging.DEBUG)


class _Logger(_AnyLogger):  # type: ignore[misc]
    """A logger that asks for the level with each line: loggers are kept, and the level changes."""

    def debug(self, event: str, *args: Any, **fields: Any) -> Any:
        """Log it, if the level allows."""
        return super().debug(event, *args, **fields) if _Level.number <= logging.DEBUG else None

    def info(self, event: str, *args: Any, **fields: Any) -> Any:
        """Log it, if the level allows."""
        return super().info(event, *args, **fields) if _Level.number <= logging.INFO else None

    def warning(self, event: str, *args: Any, **fields: Any) -> Any:
        """Log it, if the level allows."""
        return super().warning(event, *args, **fields) if _Level.number <= logging.WARNING else None


def level() -> str:
    """The level now, one of LEVELS."""
    return next(name for name, number in LEVELS.items() if number == _Level.number)


def set_level(name: str) -> None:
    """Log this level and what is more serious. Of libraries warnings are the least, except for `debug`."""
    _Level.number = LEVELS[name]
    least = logging.DEBUG if name == "debug" else max(logging.WARNING, _Level.number)
    logging.getLogger().setLevel(least)


def announce(line: str) -> None:
    """Write a line to standard output; nothing happens where it cannot be written."""
    _OUT.write(line)


def complain(line: str) -> None:
    """Write a line for the person who started the command to standard error, as it is."""
    _ERR.write(line)


@contextlib.contextmanager
def displayed(show: Callable[[str], None]) -> Iterator[None]:
    """Have log lines shown by a live display instead, if the terminal that has it is also the log's."""
    if _ERR.fd is None or not os.isatty(_ERR.fd):
        yield
        return
    _ERR.display = show
    try:
        yield
    finally:
        _ERR.display = None


def lines_dropped() -> int:
    """Log lines that could not be written since the start."""
    return _ERR.dropped


def results_dropped() -> int:
    """Lines of `announce` that could not be written since the start."""
    return _OUT.dropped


def configure() -> None:
    """Set up the logs of this process: structlog's, the standard library's, warnings, and errors that nobody caught."""
    _keep_standard_descriptors()
    terminal = _ERR.fd is not None and os.isatty(_ERR.fd)
    shared: list[structlog.types.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal),
    ]
    last: list[structlog.types.Processor] = [_printable, structlog.dev.ConsoleRenderer()]
    if not terminal:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=repr)]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=_Logger,
        logger_factory=_Printer,
        cache_logger_on_first_use=True,
    )
    handler = _Handler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    sys.unraisablehook = _on_unraisable
    threading.excepthook = _on_thread_error


def watch_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Log what the loop is told of by its transports and tasks. A connection that was lost is no error of ours."""
    loop.set_exception_handler(_on_loop_error)


class _Printer:
    """Where structlog's lines end."""

    def __init__(self, *_: Any) -> None:
        pass

    def msg(self, message: str) -> None:
        """Write it."""
        _ERR.write(message)

    debug = info = warning = error = critical = msg


class _Handler(logging.Handler):
    """Where the standard library's lines end."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, unless a library reports what a client did as an error."""
        if record.exc_info and _is_the_peers(record.exc_info[1]):
            return
        try:
            line = self.format(record)
        except Exception:  # a record whose arguments do not fit its text: its text will do
            line = self.format(logging.LogRecord(record.name, record.levelno, "", 0, str(record.msg), None, None))
        _ERR.write(line)


def _printable(_: Any, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Show control characters, which would command a terminal, as escapes."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[name] = "".join(
                mark if mark.isprintable() or mark in "\n\t" else mark.encode("unicode_escape").decode()
                for mark in value
            )
    return event


def _is_the_peers(error: BaseException | None) -> bool:
    """Whether the other side of a connection caused it: it went away, or does not speak the protocol."""
    return isinstance(error, ConnectionError) or type(error).__module__ in _PEERS


def _on_loop_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if _is_the_peers(error):
        return
    about = {name: repr(value) for name, value in context.items() if name not in ("message", "exception")}
    structlog.get_logger("asyncio").error(str(context.get("message")), exc_info=error, **about)


def _on_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    message = unraisable.err_msg or "exception ignored"
    structlog.get_logger("python").error(message, where=repr(unraisable.object), exc_info=unraisable.exc_value)


def _on_thread_error(failed: threading.ExceptHookArgs) -> None:
    name = failed.thread.name if failed.thread is not None else None
    structlog.get_logger("python").error("a thread failed", thread=name, exc_info=failed.exc_value)


def _keep_standard_descriptors() -> None:
    """Put something in the place of a standard descriptor that is closed: else the next file or socket would get its
    number, and the log lines."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            for lines in (_OUT, _ERR):
                if lines.fd == fd:
                    lines.fd = None
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)
