"""Standard output that fails in a sentence: a full disk, a closed descriptor, an odd locale."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.errors import LabError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STDOUT = 1
AS_FAR_AS_IT_GOES = "lab.as-far-as-it-goes"
"""The error handler under which every text can be printed in every encoding."""


class OutputError(LabError):
    """Standard output took no more."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output cannot be written: {error.strerror}")
        self.reader_left = error.errno == errno.EPIPE
        """Whether nobody reads any more, as after `| head`, which is nobody's mistake."""


class _Descriptor(io.FileIO):
    """The descriptor of standard output; OutputError says that it is this file that failed."""

    def write(self, data: ReadableBuffer) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OutputError(error) from error


@contextmanager
def checked_stdout() -> Iterator[None]:
    """Make `sys.stdout` raise OutputError, at the latest where this ends, and never another.

    Nothing is changed where something else than the process's own output stands there.
    """
    if sys.stdout is not sys.__stdout__:
        yield
        return
    _occupy()
    text, encoding = sys.stdout, "utf-8"
    if text is not None:
        text.flush()
        encoding = text.encoding
    codecs.register_error(AS_FAR_AS_IT_GOES, _as_far_as_it_goes)
    raw = _Descriptor(STDOUT, "wb", closefd=False)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(raw), encoding, AS_FAR_AS_IT_GOES, line_buffering=raw.isatty()
    )
    try:
        yield
        sys.stdout.flush()
    except OutputError:
        # What is still buffered must not fail once more when Python ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, STDOUT)
        os.close(nowhere)
        raise


def _occupy() -> None:
    """Have a descriptor that cannot be written where standard output is closed.

    The next file that is opened would otherwise be taken for it.
    """
    try:
        os.fstat(STDOUT)
    except OSError:
        unwritable = os.open(os.devnull, os.O_RDONLY)
        if unwritable != STDOUT:
            os.dup2(unwritable, STDOUT)
            os.close(unwritable)


def _as_far_as_it_goes(error: UnicodeError) -> tuple[str | bytes, int]:
    """Bytes of file names as they were, `?` for what the encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    written = bytearray()
    for character in error.object[error.start : error.end]:
        code = ord(character)
        written += bytes([code - 0xDC00]) if 0xDC80 <= code <= 0xDCFF else b"?"
    return bytes(written), error.end
