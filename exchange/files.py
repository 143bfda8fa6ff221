"""Files that a person names: read whole, and no further than a bound. What never ends must not take all memory."""

import errno
import gzip
import io
import os
import stat
import zlib
from pathlib import Path

GZIP = b"\x1f\x8b"  # what every gzip stream starts with


def content_of(path: Path, most: int, *, pipes: bool = True) -> bytes:
    """What is in the file. Raises OSError if it is longer than `most`, or is not a regular file.

    A pipe is read too, since shells name pipes as files; without `pipes`, nothing but a regular file is even opened.
    """
    kind = os.stat(path).st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind) or (pipes and not stat.S_ISSOCK(kind))):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    with open(path, "rb") as file:
        return _up_to(file, most, path)


def unpacked(content: bytes, most: int, path: Path) -> bytes:
    """The content, unpacked if it is a gzip stream. Raises OSError if that is longer than `most`, or is broken."""
    if not content.startswith(GZIP):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            return _up_to(file, most, path)
    except (EOFError, zlib.error) as error:
        raise OSError(errno.EINVAL, str(error), str(path)) from error


def _up_to(file: "io.BufferedReader | gzip.GzipFile", most: int, path: Path) -> bytes:
    content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is longer than {most:,} bytes", str(path))
    return content
