"""The coded frames in a stream: what a packet holds of the codec's, and where in media time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.errors import LabError
from lab.measure.pcap import Ints
from lab.measure.rtp import Stream


@dataclass(frozen=True, slots=True)
class Framing:
    """How a codec's frames lie in packets."""

    frame_ms: int | None
    """None: one frame a packet, however long."""
    frame_bytes: int | None
    """None: as long as the packet, of a codec whose frames tell their length themselves."""
    rate_hz: int
    """Of the audio that is decoded."""


FRAMINGS = {
    "PCMU": Framing(10, 80, 8000),
    "PCMA": Framing(10, 80, 8000),
    "GSM": Framing(20, 33, 8000),
    "SPEEX": Framing(20, None, 8000),
    "SPEEX-WB": Framing(20, None, 16000),
    "OPUS": Framing(None, None, 16000),
    "L16-16": Framing(20, 640, 16000),
    "L16-32": Framing(20, 1280, 32000),
    "L16-48": Framing(10, 960, 48000),
}
"""By the lab's name; frames of G.711 are of 10 ms, as pjmedia has them."""


@dataclass(frozen=True, slots=True, eq=False)
class CodedVoice:
    """The frames of a stream in order of arrival; every array has one entry per frame."""

    codec: str
    frame_ms: int
    rate_hz: int
    ptime_ms: int
    index: Ints
    """In media time, in frames, from the first packet's."""
    arrival_ns: Ints
    payload: tuple[bytes, ...] | None
    """None where it was not captured."""
    unsent: frozenset[int] = frozenset()
    """Indices for which the sender itself sent nothing: it was silent (voice activity detection),
    for its numbers go on there."""

    @property
    def frame_ns(self) -> int:
        """The length of a frame."""
        return self.frame_ms * 1_000_000


def coded_voice(stream: Stream, codec: str, *, payload: bool = True) -> CodedVoice:
    """Take a stream's packets apart; `codec` is the lab's name of what they carry.

    Comfort noise and telephone events carry no frames. LabError where the codec is none whose
    frames are known here.
    """
    framing = FRAMINGS.get(codec)
    if framing is None:
        raise LabError(
            f"{codec} is no codec that can be played afterwards.", f"Known: {', '.join(FRAMINGS)}."
        )
    voice = np.flatnonzero(stream.media & ~stream.comfort_noise)
    ptime_ms = round(stream.ptime_ms)
    frame_ms = framing.frame_ms or ptime_ms
    if not len(voice) or frame_ms <= 0:
        raise LabError(f"the stream to {stream.destination} holds no voice.")
    if framing.frame_bytes is None and ptime_ms > frame_ms:
        raise LabError(f"several frames of {codec} in a packet cannot be taken apart.")
    whole = payload and not cut_payloads(stream)
    first = np.rint(stream.media_ms[voice] / frame_ms).astype(np.int64)
    index, arrival, content = [], [], []
    for packet, begin in zip(voice.tolist(), first.tolist(), strict=True):
        octets = stream.payload(packet) if whole else b""
        if framing.frame_bytes:
            count = int(stream.payload_bytes[packet]) // framing.frame_bytes
        else:
            count = 1
        size = framing.frame_bytes or len(octets)
        for number in range(count):
            index.append(begin + number)
            arrival.append(int(stream.time_ns[packet]))
            content.append(octets[number * size : (number + 1) * size])
    return CodedVoice(
        codec=codec,
        frame_ms=frame_ms,
        rate_hz=framing.rate_hz,
        ptime_ms=max(ptime_ms, frame_ms),
        index=np.array(index, np.int64),
        arrival_ns=np.array(arrival, np.int64),
        payload=tuple(content) if whole else None,
        unsent=_unsent(stream, index, frame_ms),
    )


def _unsent(stream: Stream, index: list[int], frame_ms: int) -> frozenset[int]:
    """What is missing between two packets that follow one another by number."""
    number, media_ms = stream.sequence[stream.in_order], stream.media_ms[stream.in_order]
    begin = np.rint(media_ms / frame_ms).astype(np.int64)
    there = set(index)
    follows = (np.diff(number) == 1) & (np.diff(begin) > 0)
    return frozenset(
        missing
        for at in np.flatnonzero(follows).tolist()
        for missing in range(int(begin[at]), int(begin[at + 1]))
        if missing not in there
    )


def cut_payloads(stream: Stream) -> int:
    """How many packets' voice the capture holds only in part, its snap length being too short."""
    voice = stream.media & ~stream.comfort_noise
    return int(np.sum(voice & (stream.payload_captured_bytes < stream.payload_bytes)))
