"""One path: a TCP connection that never makes its sender wait, and what was seen of it."""

from __future__ import annotations

import math
import socket
import time
from array import array
from collections.abc import Iterator

from lab.agents.paths.frames import Frame, FrameError, FrameReader, Layout
from lab.wire.paths import PathTold

MOST_WAITING_BYTES = 1 << 16
"""Of what was sent and the kernel does not take yet: some seconds of voice. More is refused."""
_CHUNK_BYTES = 1 << 16
_CLOCK = 1 << 32
_PERCENTS = {"p50": 50, "p95": 95, "p99": 99, "max": 100}


def clock_us() -> int:
    """The host's monotonic clock, which all nodes of a lab share."""
    return time.monotonic_ns() // 1000


class Path:
    """One of the paths of a call, from its first frame to its end."""

    def __init__(self, connection: socket.socket, layout: Layout, *, nodelay: bool) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(nodelay))
        connection.setblocking(False)
        self.connection = connection
        self.ended: str | None = None
        self.first_packets = 0
        self._nodelay = bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        self._layout = layout
        self._reader = FrameReader(layout)
        self._waiting = bytearray()
        self._ended_at_s: float | None = None
        self._sent_frames = self._sent_bytes = self._refused = 0
        self._delays_ms = array("f")

    @property
    def waits(self) -> bool:
        """Whether the kernel has yet to take something."""
        return bool(self._waiting)

    def send(self, frame: Frame) -> bool:
        """Send it, now or as soon as the kernel takes it; False where it is not sent at all."""
        if self.ended is not None:
            return False
        if len(self._waiting) > MOST_WAITING_BYTES:
            self._refused += 1
            return False
        data = self._layout.write(frame)
        self._waiting += data
        self._sent_frames += 1
        self._sent_bytes += len(data)
        self.flush()
        return True

    def flush(self) -> None:
        """Give the kernel what it takes."""
        try:
            while self._waiting:
                del self._waiting[: self.connection.send(self._waiting)]
        except BlockingIOError:
            return
        except OSError as error:
            self.end(error.strerror or str(error))

    def receive(self) -> Iterator[Frame]:
        """The frames that have come; at the connection's end none, and the path has ended."""
        try:
            data = self.connection.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self.end(error.strerror or str(error))
            return
        if not data:
            self.end("the connection was closed")
            return
        now_us = clock_us()
        try:
            for frame in self._reader.feed(data):
                self._delays_ms.append((now_us - frame.sent_us) % _CLOCK / 1000)
                yield frame
        except FrameError as error:
            self.end(str(error))

    def end(self, reason: str) -> None:
        """Nothing goes over it any more."""
        if self.ended is None:
            self.ended, self._ended_at_s = reason, time.time()
            self._waiting.clear()
            self.connection.close()

    def told(self) -> PathTold:
        """What was seen of it so far."""
        return PathTold(
            sent_frames=self._sent_frames,
            sent_bytes=self._sent_bytes,
            refused_frames=self._refused,
            received_frames=len(self._delays_ms),
            first_packets=self.first_packets,
            delay_ms=percentiles_ms(self._delays_ms),
            nodelay=self._nodelay,
            ended=self.ended,
            ended_at_s=self._ended_at_s,
        )


def percentiles_ms(delays_ms: array[float]) -> dict[str, float]:
    """By name, each a delay that so many frames did not exceed; empty where there are none."""
    ordered = sorted(delays_ms)
    return {
        name: round(ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)], 3)
        for name, percent in _PERCENTS.items()
        if ordered
    }
