"""The directory of one embedded PostgreSQL: who may use it, and what is in it.

`pgdata/` and `run/` (the socket) belong to PostgreSQL's user and have mode 0700; `lock` is held by the exchange and
names its process; `postgres.log` has what PostgreSQL and initdb print.

Promises: one exchange at a time; directories that were there before keep their modes; root follows no link that another
user has put here.
Leaves out: processes (see `embedded` and `postmaster`). Everything here blocks, for milliseconds.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from exchange.failure import Failure
from exchange.postgres.binaries import Account, our_account
from exchange.postgres.postmaster import kill_initdb, read_pid

PORT = 5432
ROLE = "exchange"
_SOCKET_NAME = f".s.PGSQL.{PORT}"
_SOCKET_PATH_BYTES_MAX = 90
_LOG_BYTES_MAX = 10_000_000
_LOG_TAIL_BYTES = 65_536

# io_method: what an exchange reads is in memory, so workers that read ahead would only be three processes more.
# wal_compression stays off: the packaged server has no lz4, and pglz costs the commit more than the bytes it saves.
_SETTINGS = """\
# Written by the exchange at every start; ALTER SYSTEM is the place for what shall differ.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 40
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = {shared_buffers_mb}MB
min_wal_size = 512MB
max_wal_size = 2GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
wal_sync_method = open_datasync
autovacuum_naptime = 10s
io_method = sync
jit = off
track_io_timing = off
log_min_messages = warning
log_checkpoints = off
log_timezone = UTC
timezone = UTC
"""
_HBA = """\
local all exchange peer map=exchange
local replication exchange peer map=exchange
"""


class DataDirectory:
    """`ephemeral`: the directory was made for this run alone, so that even its own mode may be changed."""

    def __init__(self, path: Path, *, ephemeral: bool) -> None:
        self.path = path.absolute()
        self.pgdata = self.path / "pgdata"
        self.log = self.path / "postgres.log"
        self.ephemeral = ephemeral
        self._lock_fd: int | None = None
        self._log_start = 0

    def make(self) -> None:
        """Have the directory; one that was there before keeps its mode, unless it was made for this run."""
        is_root = os.geteuid() == 0
        if not self.path.exists():
            self.path.mkdir(parents=True)
        elif not (is_root and self.ephemeral):
            return
        # PostgreSQL, which is not root, has to pass through; what lies inside has modes of its own.
        self.path.chmod(0o711 if is_root else 0o700)

    @property
    def is_locked(self) -> bool:
        """Whether the lock is ours."""
        return self._lock_fd is not None

    def lock(self) -> None:
        """Become its one exchange. Raises Failure when another one is."""
        # Python's descriptors are not inherited: an orphaned server does not keep the lock of a killed exchange.
        fd = self._open("lock", os.O_RDWR)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(fd)
            raise Failure(f"Another exchange (process {holder}) uses the data directory {self.path}.") from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._lock_fd = fd

    def unlock(self) -> None:
        """The file stays: to delete it would let two exchanges lock two files of this name."""
        assert self._lock_fd is not None
        os.close(self._lock_fd)
        self._lock_fd = None

    def make_fresh_pgdata(self, account: Account) -> Path:
        """An empty directory for initdb; `install_pgdata` renames it: a kill leaves nothing or all of `pgdata`."""
        self.kill_initdbs()
        fresh = Path(tempfile.mkdtemp(prefix="pgdata.new-", dir=self.path))
        if os.geteuid() == 0:
            os.chown(fresh, account.uid, account.gid)
        return fresh

    def kill_initdbs(self) -> None:
        """End every initdb that works here, and delete what it has made."""
        for leftover in self.path.glob("pgdata.new-*"):
            kill_initdb(leftover)
            shutil.rmtree(leftover, ignore_errors=True)

    def install_pgdata(self, fresh: Path) -> None:
        """Give the finished directory its name, durably."""
        fresh.rename(self.pgdata)
        fd = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def write_settings(self, account: Account) -> None:
        """Write the server's configuration files, each replaced whole."""
        memory_mb = psutil.virtual_memory().total // 1_000_000
        users = sorted({"root", account.name, our_account().name})
        files = {
            "postgresql.conf": _SETTINGS.format(shared_buffers_mb=max(32, min(256, memory_mb // 8))),
            "pg_hba.conf": _HBA,
            "pg_ident.conf": "".join(f'exchange "{user}" {ROLE}\n' for user in users),
        }
        for name, text in files.items():
            fd, temporary = tempfile.mkstemp(dir=self.pgdata)
            with open(fd, "w") as file:
                file.write(text)
                file.flush()
                if os.geteuid() == 0:  # anybody else may not give files away, and need not
                    os.fchown(fd, account.uid, account.gid)
                os.fsync(fd)
            os.replace(temporary, self.pgdata / name)

    def claim_socket_dir(self, account: Account, known: Path | None) -> Path:
        """Where the socket goes, `known` from an earlier start or by rule; private to `account`, made if need be."""
        path = known or self.path / "run"
        is_short = len(os.fsencode(path / _SOCKET_NAME)) <= _SOCKET_PATH_BYTES_MAX
        # Commas and quotes have a meaning in PostgreSQL's setting, commas and colons in the dsn.
        if not (is_short and re.fullmatch(r"[\w/.+@ -]+", str(path))):
            name = hashlib.sha256(os.fsencode(self.path) + b"\0%d" % account.uid).hexdigest()[:16]
            path = Path(tempfile.gettempdir()) / f"exchange-{name}"
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        info = path.lstat()
        if info.st_uid == os.geteuid() != account.uid:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
            info = path.lstat()
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != account.uid or info.st_mode & 0o077:
            raise Failure(f"{path} must be a directory of the user {account.name} with mode 0700: remove it.")
        return path

    def forget_stale_pid(self, socket_dir: Path) -> None:
        """Remove the pid files that would keep PostgreSQL from starting. No process of PostgreSQL may be left here.

        A living process in them is then somebody else, whom PostgreSQL might take for its postmaster; and what is in
        them after a power cut may be nothing, or anything, which PostgreSQL refuses. The file's other use, to name the
        shared memory that orphans may still hold, is void without orphans.
        """
        for path in (self.pgdata / "postmaster.pid", socket_dir / f"{_SOCKET_NAME}.lock"):
            pid = read_pid(path)
            if pid is None or psutil.pid_exists(pid):
                path.unlink(missing_ok=True)

    def remove(self, socket_dir: Path | None) -> None:
        """What shall not outlive the run: an ephemeral directory, and a socket directory elsewhere."""
        if self.ephemeral:
            shutil.rmtree(self.path, ignore_errors=True)
        if socket_dir is not None and socket_dir.parent != self.path:
            with contextlib.suppress(OSError):
                socket_dir.rmdir()

    def open_log(self) -> int:
        """A descriptor to append to; `last_words` will speak of what is appended."""
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))
        fd = self._open(self.log.name, os.O_WRONLY | os.O_APPEND)
        self._log_start = os.fstat(fd).st_size
        return fd

    def last_words(self) -> str:
        """The last error in the log since it was opened, without its date."""
        with open(self.log, "rb") as log:
            log.seek(max(self._log_start, self.log.stat().st_size - _LOG_TAIL_BYTES))
            lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if re.search("FATAL:|PANIC:|error:", line)]
        return re.sub(r"^.*?(FATAL|PANIC|error):\s*", "", (errors or lines or ["it said nothing"])[-1])

    def _open(self, name: str, flags: int) -> int:
        flags |= os.O_NOFOLLOW
        try:
            fd = os.open(self.path / name, flags | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return os.open(self.path / name, flags)
        if os.geteuid() == 0:
            # Made by root in a user's directory, it must not lock that user out.
            owner = self.path.stat()
            os.fchown(fd, owner.st_uid, owner.st_gid)
        return fd
