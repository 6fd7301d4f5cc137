"""A clip as packets of Opus, each due at its moment on a fixed grid."""

from __future__ import annotations

import time
import wave
from dataclasses import dataclass
from pathlib import Path

from lab.agents.voice.opus import OpusEncoder
from lab.wire.voice_client import OpusSettings

LEAD_S = 0.1
"""From the order to the first packet: time to encode it."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One packet that is to be sent now."""

    number: int
    """Counted from 0."""
    opus: bytes
    due_ns: int
    """When its time came, Unix ns."""
    last: bool


class Speaker:
    """Plays a 16-bit mono WAV; `due` hands out a packet when its time has come."""

    def __init__(self, clip: Path, duration_s: float, opus: OpusSettings) -> None:
        """The clip begins anew as often as `duration_s` needs."""
        with wave.open(str(clip)) as wav:
            rate_hz = wav.getframerate()
            self._pcm: bytes = wav.readframes(wav.getnframes())
        self._frame_bytes = 2 * rate_hz * opus.ptime_ms // 1000
        self._bytes = 2 * round(duration_s * rate_hz)
        self._encoder = OpusEncoder(rate_hz, opus.bitrate_bps, opus.vbr, opus.fec)
        self._ptime_ms = opus.ptime_ms
        self._start = 0.0
        self._start_ns = 0
        self._ready = b""
        self._told = False
        self.packets = -(-self._bytes // self._frame_bytes)
        """How many there are to send."""
        self.sent = 0

    def start(self) -> None:
        """Fix the grid: the first packet is due a moment from now."""
        self._start = time.monotonic() + LEAD_S
        self._start_ns = time.time_ns() + round(LEAD_S * 1e9)
        self._encode()

    def wait_s(self) -> float:
        """How long until the next packet is due; endless after the last."""
        if self.sent >= self.packets:
            return float("inf")
        due = self._start + self.sent * self._ptime_ms / 1000
        return max(0.0, due - time.monotonic())

    def due(self) -> Spoken | None:
        """The packet whose time has come, perhaps long ago; None where none is due."""
        if self.wait_s() > 0:
            return None
        due_ns = self._start_ns + self.sent * self._ptime_ms * 1_000_000
        spoken = Spoken(self.sent, self._ready, due_ns, self.sent == self.packets - 1)
        self.sent += 1
        # Encoded ahead of time, so that encoding never makes a packet late.
        self._encode()
        return spoken

    def just_finished(self) -> bool:
        """Whether the last packet has gone; true once."""
        finished = self.sent >= self.packets and not self._told
        self._told = self._told or finished
        return finished

    def _encode(self) -> None:
        if self.sent < self.packets:
            self._ready = self._encoder.encode(self.frame(self.sent))

    def frame(self, number: int) -> bytes:
        """The PCM of one packet; silence fills up the last."""
        start = number * self._frame_bytes
        length = min(self._frame_bytes, self._bytes - start)
        first = start % len(self._pcm)
        heard = self._pcm[first : first + length]
        while len(heard) < length:
            heard += self._pcm[: length - len(heard)]
        return heard + bytes(self._frame_bytes - length)
