"""Where the packets of a live capture go: into a pcap file, through a pipe, or into lines.

Each takes what it is given at once, so that whoever reads it sees what happens while it does.
"""

from __future__ import annotations

import os
import select
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lab.capturing.packet import Packet, read_packet
from lab.wire.pcap_stream import link_type, records


class Sink(ABC):
    """An open file, or something like one, that takes whole packets."""

    def __init__(self, name: str, opened: Callable[[], int]) -> None:
        """`name` stands in messages; `opened` gives a descriptor, and may wait for a reader."""
        self.name = name
        self._opened = opened
        self._descriptor: int | None = None

    @abstractmethod
    def begin(self, header: bytes) -> None:
        """A capture begins whose pcap file has that header; OSError where it cannot be written."""

    @abstractmethod
    def take(self, whole: bytes) -> None:
        """Whole records of that file; OSError where they cannot be written."""

    def reader_left(self) -> bool:
        """Whether this is a pipe from which nobody reads any more."""
        if self._descriptor is None:
            return False
        poll = select.poll()
        poll.register(self._descriptor, 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))

    def _write(self, data: bytes) -> None:
        assert self._descriptor is not None
        while data:
            data = data[os.write(self._descriptor, data) :]


class PcapSink(Sink):
    """Takes the pcap file itself."""

    def __init__(self, name: str, opened: Callable[[], int]) -> None:
        super().__init__(name, opened)
        self._end: int | None = None
        """Where in a file what is whole ends; None of a pipe."""

    def begin(self, header: bytes) -> None:
        """Open it, and write the header."""
        self._descriptor = self._opened()
        if stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            self._end = os.lseek(self._descriptor, 0, os.SEEK_CUR)
        self.take(header)

    def take(self, whole: bytes) -> None:
        """Write all of it; in a file that takes no more, nothing is left that is not whole."""
        assert self._descriptor is not None
        try:
            self._write(whole)
        except OSError:
            if self._end is not None:
                with suppress(OSError):
                    os.ftruncate(self._descriptor, self._end)
            raise
        if self._end is not None:
            self._end += len(whole)


class LineSink(Sink):
    """Takes a line of text for each packet."""

    def __init__(self, name: str, opened: Callable[[], int], line: Callable[[Packet], str]) -> None:
        super().__init__(name, opened)
        self._line = line
        self._link_type = 0

    def begin(self, header: bytes) -> None:
        """Note what the frames of the capture are."""
        self._descriptor = self._opened()
        self._link_type = link_type(header)

    def take(self, whole: bytes) -> None:
        """Write their lines."""
        lines = (self._line(read_packet(record, self._link_type)) for record in records(whole))
        self._write("".join(f"{line}\n" for line in lines).encode("ascii", "replace"))


def opening(path: Path) -> Callable[[], int]:
    """Opens a file for writing, from its beginning."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return lambda: os.open(path, flags, 0o666)
