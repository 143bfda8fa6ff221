"""Files that a person names: read whole up to a bound, and no further."""

import gzip
import os
import re
import threading
from pathlib import Path

import pytest

from exchange.failure import Failure
from exchange.files import content_of, unpacked
from exchange.replay import recording


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345678")
    assert content_of(file, 8) == b"12345678"
    with pytest.raises(OSError, match="longer than 7 bytes"):
        content_of(file, 7)


def test_what_never_ends_is_not_read_for_ever() -> None:
    with pytest.raises(OSError, match="longer than 1,000 bytes"):
        content_of(Path("/dev/zero"), 1000)


def test_a_pipe_is_read_where_a_shell_may_name_one_and_not_even_opened_elsewhere(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        content_of(pipe, 1000, pipes=False)  # nobody writes: to open it would take for ever
    writing = threading.Thread(target=pipe.write_bytes, args=(b"said",))
    writing.start()
    assert content_of(pipe, 1000) == b"said"
    writing.join()


def test_a_bound_is_of_what_is_unpacked(tmp_path: Path) -> None:
    packed = gzip.compress(bytes(1_000_000))
    assert unpacked(packed, 1_000_000, tmp_path) == bytes(1_000_000)
    with pytest.raises(OSError, match="longer than 999,999 bytes"):
        unpacked(packed, 999_999, tmp_path)


@pytest.mark.parametrize("packed", [gzip.compress(b"a")[:-3], gzip.compress(b"a")[:8], gzip.compress(b"a") + b"b"])
def test_a_broken_stream_is_an_error_of_the_file(packed: bytes, tmp_path: Path) -> None:
    with pytest.raises(OSError):  # noqa: PT011 (each says something else)
        unpacked(packed, 100, tmp_path)


def test_a_recording_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "FILE_BYTES_MAX", 1000)
    bomb = tmp_path / "bomb.csv.gz"
    bomb.write_bytes(gzip.compress(bytes(2000)))
    with pytest.raises(Failure, match=re.escape("bomb.csv.gz cannot be read: it is longer than 1,000 bytes")):
        recording.read_recording(bomb, None)
