"""Captures at one point and tells every packet; tcpdump alone gets CAP_NET_RAW."""

from __future__ import annotations

import os
import select
import time
from base64 import b64encode
from typing import Self

from lab.agents.probe.capture import CaptureError, Tcpdump, devices_of, in_all
from lab.wire.line import Line
from lab.wire.live_capture import (
    LIVE_CAPTURE,
    CaptureBegan,
    CaptureEnded,
    CaptureLive,
    EndCapture,
    PacketsCaptured,
)
from lab.wire.messages import Failed
from lab.wire.pcap_stream import PcapPieces
from lab.wire.probe import CaptureCounts

GATHER_S = 0.05
"""How long packets wait for others after some were told: to tell one costs more than to capture it,
and nobody who watches sees so short a time."""
CHUNK_BYTES = 65536
"""What a pipe holds."""


class Flow:
    """The packets of one point, from every device that is listened on there."""

    def __init__(self, order: CaptureLive) -> None:
        """Start it; CaptureError where there is no such interface."""
        self._dumps = [
            Tcpdump(order.point, device, way, None, order.filter)
            for device, way in devices_of(order.interface, order.address)
        ]
        self._open = {dump.pipe: (dump, PcapPieces()) for dump in self._dumps}
        self.early = b""
        """The records that came with the `header`."""
        self.ending = False
        """Whether it is to end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for dump in self._dumps:
            dump.kill()

    @property
    def pipes(self) -> tuple[int, ...]:
        """The descriptors from which there is something to `read`, now or later."""
        return tuple(self._open)

    def header(self) -> bytes:
        """That of the file, when every packet is captured; CaptureError where none will be."""
        for dump in self._dumps:
            dump.wait_until_listening()
        for pipe, (_, pieces) in self._open.items():
            while not pieces.header:
                self.early += self.read(pipe)
        # Both devices of a link that takes time are Ethernet, as the link is.
        return next(pieces.header for _, pieces in self._open.values())

    def read(self, pipe: int) -> bytes:
        """The records that are whole by now; CaptureError where the capture has ended by itself."""
        dump, pieces = self._open[pipe]
        piece = os.read(pipe, CHUNK_BYTES)
        if not piece:
            if not self.ending:
                raise dump.ended()
            del self._open[pipe]
        return pieces.whole(piece)

    def end(self) -> None:
        """End it as ^C would; the `pipes` end with the last packet."""
        self.ending = True
        for dump in self._dumps:
            dump.interrupt()

    def counts(self) -> CaptureCounts:
        """Of all packets, when the pipes have ended."""
        return in_all([dump.stop() for dump in self._dumps])


def tell(flow: Flow, line: Line) -> None:
    """Tell the packets until the capture is to end and the last was told, or nobody hears them.

    CaptureError where it ends by itself.
    """
    if flow.early:
        line.say(_packets(flow.early))
    rests_until = 0.0
    while flow.pipes:
        rest_s = rests_until - time.monotonic()
        heard: list[Line | int] = [line] if rest_s > 0 else [line, *flow.pipes]
        ready = select.select(heard, [], [], rest_s if rest_s > 0 else None)[0]
        if line in ready:
            if isinstance(line.hear(0), EndCapture):
                flow.end()
                rests_until = 0.0
            if line.ended:
                return
        records = b"".join(flow.read(pipe) for pipe in ready if isinstance(pipe, int))
        if records:
            line.say(_packets(records))
            # Behind a pipe that was full more is waiting.
            gathers = len(records) < CHUNK_BYTES // 2 and not flow.ending
            rests_until = time.monotonic() + GATHER_S if gathers else 0.0


def _packets(records: bytes) -> PacketsCaptured:
    return PacketsCaptured(b64encode(records).decode())


def main() -> None:
    """Serve one capture; the order to end it, or the end of the input, ends it."""
    line = Line(LIVE_CAPTURE)
    order = line.hear_first(CaptureLive)
    if order is None:
        return
    try:
        with Flow(order) as flow:
            line.say(CaptureBegan(b64encode(flow.header()).decode()))
            tell(flow, line)
            if not line.ended:
                line.say(CaptureEnded(flow.counts()))
    except CaptureError as error:
        line.say(Failed(str(error)))


if __name__ == "__main__":
    main()
