"""What is sent over a path: frames of packets, told apart in the stream by their length.

A frame is, in network byte order, its length without these two bytes; the number that its sender
gave it, counted over all paths; when it was sent; for policies that rank paths, by which paths the
frames before it went, and how the sender ranks the paths that it receives from; then its packets,
each with its number and length. The first packet is the one that is sent, the others repeat earlier
ones.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CELL_BYTES = 498
"""What a relay cell carries of a stream (tor-spec, "Relay cells": RELAY_PAYLOAD_SIZE - 11)."""
NO_PATH = 255
"""In place of a path, where there was no frame before."""
UNKNOWN = -1
"""In place of a score, of a path of which nothing is known."""
_HEAD = struct.Struct("!HII")
_PACKET = struct.Struct("!IH")
_CLOCK = 1 << 32


class FrameError(ValueError):
    """What came over a path is no frame."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A datagram with the number that its sender gave it."""

    number: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """What is sent over one path at once."""

    number: int
    sent_us: int
    """By the host's monotonic clock, modulo 2^32."""
    packets: tuple[Packet, ...]
    history: tuple[int, ...] = ()
    """By which paths the frames before it went, the latest first."""
    scores: tuple[int, ...] = ()
    """Of every path, ms; `UNKNOWN` where nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How long the parts of a frame are that both ends know the length of."""

    history: int = 0
    scores: int = 0

    @property
    def head_bytes(self) -> int:
        """All that is not packets."""
        return _HEAD.size + self.history + 2 * self.scores

    def write(self, frame: Frame) -> bytes:
        """The frame as it is sent."""
        body = [
            bytes(frame.history),
            struct.pack(f"!{self.scores}h", *frame.scores),
            *(_PACKET.pack(p.number % _CLOCK, len(p.payload)) + p.payload for p in frame.packets),
        ]
        rest = b"".join(body)
        length = _HEAD.size - 2 + len(rest)
        return _HEAD.pack(length, frame.number % _CLOCK, frame.sent_us % _CLOCK) + rest

    def read(self, data: bytes) -> Frame:
        """The frame that `write` made, without its length; FrameError where it is none."""
        try:
            number, sent_us = struct.unpack_from("!II", data)
            at = 8 + self.history
            history = tuple(data[8:at])
            scores = struct.unpack_from(f"!{self.scores}h", data, at)
            packets = tuple(_packets(data, at + 2 * self.scores))
        except struct.error as error:
            raise FrameError(f"a frame of {len(data)} bytes is too short: {error}") from error
        return Frame(number, sent_us, packets, history, scores)


def _packets(data: bytes, at: int) -> Iterator[Packet]:
    while at < len(data):
        number, length = _PACKET.unpack_from(data, at)
        at += _PACKET.size
        if at + length > len(data):
            raise FrameError(f"packet {number} is longer than its frame")
        yield Packet(number, data[at : at + length])
        at += length


class FrameReader:
    """Frames out of the stream of one path, in whatever pieces it comes."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._waiting = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete now; FrameError where what came is none."""
        self._waiting += data
        while len(self._waiting) >= 2:
            end = 2 + int.from_bytes(self._waiting[:2], "big")
            if len(self._waiting) < end:
                return
            whole, self._waiting = self._waiting[2:end], self._waiting[end:]
            yield self._layout.read(whole)


def with_earlier(layout: Layout, packet: Packet, earlier: Sequence[Packet]) -> tuple[Packet, ...]:
    """The packet, and of the earlier ones, the latest first, as many as its cell has room for."""
    taken = [packet]
    room = CELL_BYTES - layout.head_bytes - _PACKET.size - len(packet.payload)
    for before in earlier:
        room -= _PACKET.size + len(before.payload)
        if room < 0:
            break
        taken.append(before)
    return tuple(taken)
