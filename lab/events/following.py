"""Reading a journal while others write it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lab.events.journal import is_at, older
from lab.events.told import Told, from_line
from lab.wire.plain import ShapeError

log = logging.getLogger(__name__)


class Follower:
    """Gives what a journal holds, and then, whenever it is asked again, what has been added."""

    def __init__(self, path: Path) -> None:
        """Begins with the oldest line that is kept; a journal that is not there yet is empty."""
        self._path = path
        self._file: IO[bytes] | None = None
        self._rest = b""
        self._has_begun = False

    def new(self) -> Iterator[Told]:
        """What has been added since this was asked last."""
        if not self._has_begun:
            self._has_begun = True
            yield from _read_all(older(self._path))
        while True:
            self._file = self._file or _opened(self._path)
            if self._file is None:
                return
            yield from self._complete(self._file.read())
            if is_at(self._path, self._file.fileno()):
                return
            # Begun anew under this name, or gone: nobody writes to this one any more.
            yield from self._complete(self._file.read())
            self.close()

    def _complete(self, data: bytes) -> Iterator[Told]:
        """The whole lines; the beginning of one is kept until the rest has come."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        yield from _told(lines)

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()
        self._file, self._rest = None, b""


def _opened(path: Path) -> IO[bytes] | None:
    try:
        return path.open("rb")
    except OSError:
        return None


def _read_all(path: Path) -> Iterator[Told]:
    try:
        yield from _told(path.read_bytes().split(b"\n"))
    except OSError:
        return


def _told(lines: list[bytes]) -> Iterator[Told]:
    for line in lines:
        if line:
            try:
                yield from_line(line.decode(errors="replace"))
            except ShapeError as error:
                # Another version's, or cut short by a full disk.
                log.debug("a line of a journal is passed over: %s", error)
