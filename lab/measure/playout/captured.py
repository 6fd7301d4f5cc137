"""The voices in a capture of anybody's, ready to be played again."""

from __future__ import annotations

from pathlib import Path

from lab.errors import LabError
from lab.measure.capture import read_capture
from lab.measure.playout.coded import FRAMINGS
from lab.measure.playout.replay import Voice
from lab.measure.rtp import Stream, streams

LEAST_PACKETS = 100


def capture_voices(path: Path, towards: str | None = None) -> tuple[Voice, ...]:
    """Every stream of a codec that is known, with what the one that received it sent.

    `towards` is the address or `address:port` to which voice must go. LabError where there is
    none.
    """
    found = [stream for stream in streams(read_capture(path)) if len(stream) >= LEAST_PACKETS]
    voices = tuple(
        Voice(_end(stream), stream, _answer(stream, found), stream.codec.name)
        for stream in found
        if stream.codec.name in FRAMINGS
        and towards in (None, str(stream.destination), _end(stream))
    )
    if not voices:
        where = f" to {towards}" if towards else ""
        raise LabError(
            f"{path} holds no voice{where} that can be played again.",
            f"`lab rtp {path}` shows what is in it.",
        )
    return voices


def _answer(stream: Stream, others: list[Stream]) -> Stream | None:
    """What its receiver sent back."""
    back = [
        other
        for other in others
        if (other.source, other.source_port) == (stream.destination, stream.destination_port)
    ]
    return max(back, key=len, default=None)


def _end(stream: Stream) -> str:
    return f"{stream.destination}:{stream.destination_port}"
