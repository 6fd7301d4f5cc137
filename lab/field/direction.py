"""One direction of a call at one end, although its sender began a new stream on the way.

A transfer, a re-INVITE or a bridge gives the voice a new SSRC, ports or codec in mid-call: each
piece is a stream of its own, and the longest does not stand for the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lab.measure.numbering import MAX_DROPOUT
from lab.measure.rtp import PACKET_COLUMNS, Stream
from lab.measure.stream_report import remarks

MAX_OVERLAP = 0.1
"""Of the shorter of two streams: what runs beside another for longer is no piece of it."""
MENTIONED_SHARE = 0.01
"""Of the direction's packets: shorter streams beside it are not worth a word."""


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """The streams that carried the voice one after the other, and all of them as one."""

    pieces: tuple[Stream, ...]
    """In order of time."""
    beside: tuple[Stream, ...]
    """Streams of the same direction at the same time, which are left out."""
    stream: Stream | None
    """The pieces joined, under the name of the longest; None without any."""

    @classmethod
    def of(cls, streams: Sequence[Stream]) -> Direction:
        """The longest stream, and whatever runs beside none of those chosen before it."""
        pieces: list[Stream] = []
        for stream in sorted(streams, key=len, reverse=True):
            if not any(_overlapping(stream, other) for other in pieces):
                pieces.append(stream)
        pieces.sort(key=_begin)
        beside = tuple(stream for stream in streams if stream not in pieces)
        return cls(tuple(pieces), beside, _joined(pieces))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was noticed in the streams and dealt with."""
        if self.stream is None:
            return ()
        said = list(remarks(self.stream))
        names = [_name(piece) for piece in self.pieces]
        if len(names) > 1:
            said.append(
                f"the voice is in {len(names)} streams one after the other: " + ", ".join(names)
            )
        for other in self.beside:
            if len(other) > MENTIONED_SHARE * len(self.stream):
                said.append(f"{_name(other)} runs beside it and is left out")
        return tuple(f"stream to {self.stream.destination}: {text}" for text in said)


def _joined(pieces: Sequence[Stream]) -> Stream | None:
    """Media time goes on across a joint as arrival does, and no packet is known to be lost
    there, unless SSRC and numbers tell that the sender only changed its port."""
    if len(pieces) < 2:
        return next(iter(pieces), None)
    name = max(pieces, key=len)
    columns: dict[str, Any] = {
        column: np.concatenate([getattr(piece, column) for piece in pieces])
        for column in PACKET_COLUMNS
    }
    begin, last, media_ms = 0, None, 0.0
    for piece in pieces:
        end = begin + len(piece)
        own = slice(begin, end)
        if last is not None:
            first = int(piece.sequence.min())
            number = int(columns["sequence"][:begin].max())
            columns["sequence"][own] += number + _step(last, piece) - first
            media_ms = float(columns["media_ms"][begin - 1])
            media_ms += (int(piece.time_ns[0]) - int(last.time_ns[-1])) / 1e6
            columns["restart"][begin] = True
        columns["media_ms"][own] += media_ms - float(columns["media_ms"][begin])
        begin, last = end, piece
    return replace(
        name,
        codecs={kind: codec for piece in (*pieces, name) for kind, codec in piece.codecs.items()},
        renumberings=sum(piece.renumberings for piece in pieces),
        retimings=sum(piece.retimings for piece in pieces),
        duplicates=sum(piece.duplicates for piece in pieces),
        strays=sum(piece.strays for piece in pieces),
        clock_steps=tuple(step for piece in pieces for step in piece.clock_steps),
        **columns,
    )


def _step(before: Stream, after: Stream) -> int:
    """From the last number of one piece to the first of the next."""
    step = (int(after.sequence.min()) - int(before.sequence.max())) % 65536
    return step if before.ssrc == after.ssrc and 0 < step <= MAX_DROPOUT else 1


def _overlapping(one: Stream, other: Stream) -> bool:
    common_ns = min(_end(one), _end(other)) - max(_begin(one), _begin(other))
    shorter_ns = min(_end(one) - _begin(one), _end(other) - _begin(other))
    return common_ns > MAX_OVERLAP * shorter_ns


def _name(stream: Stream) -> str:
    return f"0x{stream.ssrc:08x} ({len(stream)} packets of {stream.codec.name})"


def _begin(stream: Stream) -> int:
    return int(stream.time_ns.min())


def _end(stream: Stream) -> int:
    return int(stream.time_ns.max())
