"""`exchange serve` as a child process: start, wait until it is ready, create users, restart, stop.

Everything here blocks and uses the standard library only, so it works with any test runner and event loop.
"""

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from exchange.client import ApiKey

ADMIN = "test-admin"
START_S = 60.0  # a start that takes longer fails; on an idle machine it takes about two seconds
STOP_S = 30.0
POLL_S = 0.01
LOG_TAIL = 2000


class ExchangeFailed(Exception):
    """The exchange did not start, did not stop with exit code 0, or refused a call; the message has its output."""


class RunningExchange:
    """A running exchange.

    `url` is for `Client` and `Socket`, `ws_url` the address of the socket alone, `pid` the process. The addresses stay
    the same over `restart`. With `keys` calls are signed: `user_with_key` makes a user who can.
    """

    def __init__(self, place: Path, config: Path | None, data_dir: Path | None, *, keys: bool = False) -> None:
        self.keys = keys
        self.url = ""
        self.ws_url = ""
        self.pid = 0
        self._place = place
        self._config = config
        self._data_dir = data_dir
        self._process: subprocess.Popen[bytes] | None = None
        self._held: list[socket.socket] = []
        self._keys = itertools.count()
        self._users = itertools.count(1)
        self._admin: ApiKey | None = None
        self._signing: dict[str, ApiKey] = {}

    def user(self, **balances: str | int | Decimal) -> str:
        """The id of a new user with these balances by asset, which are no floats: `user(USDC="1000", SOL=10)`."""
        from exchange.client.numbers import decimal_text

        user_id = f"test-{self.pid}-{next(self._users)}"
        texts = {asset: decimal_text(asset, amount) for asset, amount in balances.items()}
        self._call("POST", "/admin/users", {"user_id": user_id, "balances": texts}, self._admin)
        return user_id

    def user_with_key(self, **balances: str | int | Decimal) -> tuple[str, "ApiKey"]:
        """As `user`, with a key that may read and trade: `Client(url, key=key)`. In dev mode give the id as well."""
        user_id = self.user(**balances)
        return user_id, self._key_of(user_id)

    def new_key(self, user_id: str, *permissions: str) -> dict[str, Any]:
        """A new hmac key of a user, as `exchange key create` prints it: `api_key` and `secret`."""
        body = {"user_id": user_id, "type": "hmac", "permissions": list(permissions)}
        return self._call("POST", "/admin/keys", body, self._admin)

    def deposit(self, user_id: str, asset: str, amount: str | int | Decimal) -> None:
        """Credit a user, who is created if need be."""
        from exchange.client.numbers import decimal_text

        amount = decimal_text("amount", amount)
        key = f"test-{os.getpid()}-{time.time_ns()}-{next(self._keys)}"
        body = {"user_id": user_id, "asset": asset, "amount": amount, "key": key}
        self._call("POST", "/admin/deposit", body, self._admin)

    def cancel_all(self, user_id: str) -> None:
        """Cancel all open orders of the user."""
        key = self._key_of(user_id) if self.keys else None
        self._call("POST", "/order/cancel_all", {"user_id": user_id}, key)

    def restart(self, *, kill: bool = False) -> None:
        """Stop it, by SIGKILL if `kill`, and start it again on the same ports; what is in its `data_dir` stays."""
        if kill:
            self.kill()
        else:
            self.stop()
        self.start()

    def start(self) -> None:
        """Return when it is ready. Raises ExchangeFailed."""
        assert self._process is None, "it runs already"
        if self.keys and self._admin is None:
            self._command("user", "create", ADMIN)
            said = self._command("key", "create", ADMIN, "--type", "hmac", "--permissions", "admin")
            self._admin = _key(json.loads(said))
        port, ws_port = (urlsplit(url).port or 0 for url in (self.url, self.ws_url))
        ready = self._place / "ready.json"
        ready.unlink(missing_ok=True)
        kept = ["--ephemeral"] if self._data_dir is None else []
        options = ["--port", str(port), "--ws-port", str(ws_port), "--ready-file", str(ready), *kept, *self._where()]
        with self._log.open("ab") as log:
            # A session of its own: a Ctrl-C reaches the tests, which then stop the exchange.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "exchange", "serve", *options],
                cwd=self._place,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + START_S
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise ExchangeFailed(f"The exchange did not start. Its output:\n{self.said()}")
            time.sleep(POLL_S)
        self._release()
        addresses = json.loads(ready.read_text(encoding="utf-8"))
        self.url, self.ws_url, self.pid = addresses["url"], addresses["ws_url"], self._process.pid

    def stop(self) -> None:
        """Stop it as Ctrl-C does. Raises ExchangeFailed if its exit code is not 0; does nothing if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            exit_code = process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            exit_code = process.wait()
        self._hold()
        if exit_code != 0:
            raise ExchangeFailed(f"The exchange ended with exit code {exit_code}. Its output:\n{self.said()}")

    def kill(self) -> None:
        """End it by SIGKILL. Unless it is started again afterwards, its PostgreSQL keeps running."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            self._hold()

    def _release(self) -> None:
        """Let others have its ports."""
        while self._held:
            self._held.pop().close()

    def _hold(self) -> None:
        """While it is stopped, give its ports to nobody who asks for any. Linux lets it listen on them all the same."""
        for url in (self.url, self.ws_url) if sys.platform == "linux" else ():
            where = urlsplit(url)
            if where.hostname is None or where.port is None:
                continue  # it has never run
            held = socket.socket()
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                held.bind((where.hostname, where.port))
                self._held.append(held)
            except OSError:
                held.close()

    def said(self) -> str:
        """The last lines of its output."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:]

    @property
    def _log(self) -> Path:
        return self._place / "exchange.log"

    def _where(self) -> list[str]:
        config = [] if self._config is None else ["--config", str(self._config)]
        return config + ([] if self._data_dir is None else ["--data-dir", str(self._data_dir)])

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("EXCHANGE_")}
        return inherited | ({"EXCHANGE_AUTH_MODE": "keys"} if self.keys else {})

    def _command(self, *arguments: str) -> str:
        """What a command on the stopped exchange prints."""
        command = [sys.executable, "-m", "exchange", *arguments, *self._where()]
        done = subprocess.run(
            command,
            cwd=self._place,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ExchangeFailed(f"exchange {' '.join(arguments)} has failed: {done.stderr.strip()}")
        return done.stdout

    def _key_of(self, user_id: str) -> "ApiKey":
        key = self._signing.get(user_id)
        if key is None:
            key = self._signing[user_id] = _key(self.new_key(user_id, "read", "trade"))
        return key

    def _call(self, method: str, path: str, body: dict[str, Any], key: "ApiKey | None") -> dict[str, Any]:
        data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
        if key is not None:
            headers |= key.headers(method, path, data)
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            # Without a proxy: the exchange is on this machine.
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=STOP_S) as reply:
                answer: dict[str, Any] = json.load(reply)
                return answer
        except urllib.error.HTTPError as error:
            with error:
                raise ExchangeFailed(f"{path} was refused: {error.read().decode(errors='replace')}") from None
        except OSError as error:
            raise ExchangeFailed(f"{path}: {error}") from error


def _key(made: dict[str, Any]) -> "ApiKey":
    from exchange.client.signing import ApiKey

    return ApiKey.hmac(made["api_key"], made["secret"])


@contextlib.contextmanager
def running_exchange(
    config: str | Path | None = None, *, data_dir: str | Path | None = None, keys: bool = False
) -> Iterator[RunningExchange]:
    """An exchange on free ports of this machine, ended with the context. Raises ExchangeFailed.

    `config` is a `config.toml`, its text as a str or its path as a Path; without it, the one that comes with the
    exchange is used. It keeps nothing, unless `data_dir` says where. With `keys` it is in keys mode.
    """
    place = Path(tempfile.mkdtemp(prefix="exchange-testing-"))
    exchange = None
    place.chmod(0o755)  # if root runs the tests, PostgreSQL runs as another user
    try:
        if config is None:
            from exchange.config import packaged_config

            config = packaged_config()
        elif isinstance(config, str):
            text, config = config, place / "config.toml"
            config.write_text(text, encoding="utf-8")
        kept = None if data_dir is None else Path(data_dir).expanduser().resolve()
        if keys and kept is None:
            kept = place / "data"  # the first key is made before the start
        exchange = RunningExchange(place, config.expanduser().resolve(), kept, keys=keys)
        exchange.start()
        try:
            yield exchange
        except BaseException:
            with contextlib.suppress(ExchangeFailed):
                exchange.stop()
            raise
        exchange.stop()
    finally:
        if exchange is not None:
            exchange._release()
        shutil.rmtree(place, ignore_errors=True)
