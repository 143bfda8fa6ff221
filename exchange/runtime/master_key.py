"""The master key: from the environment, or from a file that only its owner may read and that the first start makes.

It seals the secrets of API keys, lies outside PostgreSQL, and is not in a backup of it.
"""

import base64
import binascii
import ctypes
import os
import secrets
import stat
from pathlib import Path

import structlog

from exchange.config import Config
from exchange.core.administration import KeyType
from exchange.core.venue import Venue
from exchange.failure import Failure
from exchange.service.vault import MASTER_KEY_BYTES, Vault, WrongMasterKey

log = structlog.get_logger(__name__)

VARIABLE = "EXCHANGE_AUTH_MASTER_KEY"
FILE_NAME = "master.key"
FILE_BYTES_MAX = 1000


def open_vault(config: Config, data_dir: Path, venue: Venue) -> Vault:
    """The vault that opens every secret which the venue holds. Raises Failure."""
    sealed = [key for key in venue.keys.all() if key.key_type is KeyType.HMAC]
    text, source = config.auth.master_key, f"[auth] master_key ({VARIABLE})"
    if text:
        _forget_variable()
    else:
        path = Path(config.auth.master_key_file).expanduser() if config.auth.master_key_file else data_dir / FILE_NAME
        text, source = _from_file(path, may_create=not sealed), f"the file {path}"
    vault = Vault(_decoded(text, source))
    for key in sealed:
        try:
            vault.unseal(key.material, key.api_key)
        except WrongMasterKey:
            raise Failure(
                f"The master key in {source} is not the one that the secret of the API key {key.api_key} was sealed "
                "with: give the right one, or revoke all hmac keys.",
                2,
            ) from None
    return vault


def _forget_variable() -> None:
    """Take it out of the environment, which programs inherit, and overwrite it where the process was given it, which
    /proc shows and a core dump has."""
    value = os.environb.get(VARIABLE.encode())
    if value is None:
        return
    find = ctypes.CDLL(None).getenv
    find.argtypes, find.restype = [ctypes.c_char_p], ctypes.c_void_p
    address = find(VARIABLE.encode())
    if address is not None:
        ctypes.memset(address, 0, len(value))
    del os.environ[VARIABLE]


def _decoded(text: str, source: str) -> bytes:
    try:
        master_key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        master_key = b""
    if len(master_key) != MASTER_KEY_BYTES:
        raise Failure(f"The master key in {source} must be {MASTER_KEY_BYTES} bytes as base64.", 2)
    return master_key


def _from_file(path: Path, *, may_create: bool) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        if not may_create:
            raise Failure(
                f"The master key is missing: there is no file {path}, and {VARIABLE} is not set. The secrets of the "
                "hmac keys cannot be opened without it.",
                2,
            ) from None
        return _created(path)
    except OSError as error:
        raise Failure(f"The master key {path} cannot be read: {error.strerror or error}.", 2) from error
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode) or mode & 0o077:
            raise Failure(f"The master key {path} must be a file that only its owner may read: chmod 600 {path}.", 2)
        return file.read(FILE_BYTES_MAX).decode("ascii", "replace")


def _created(path: Path) -> str:
    """A new master key, in a file that is there whole or not at all."""
    text = base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).decode()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        raise Failure(f"The master key {path} cannot be written: {error.strerror or error}.", 2) from error
    log.info("created the master key of API keys; copy it to a safe place", file=str(path))
    return text
