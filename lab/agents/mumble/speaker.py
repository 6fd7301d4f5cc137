"""A clip as Mumble voice packets, each due at its moment on a fixed grid."""

from __future__ import annotations

import time
import wave
from pathlib import Path

from lab.agents.mumble.opus import OpusEncoder
from lab.agents.mumble.voice import FRAME_MS, pack_voice
from lab.wire.mumble import OpusSettings

LEAD_S = 0.1
"""From the order to the first packet: time to encode it."""


class Speaker:
    """Plays a 16-bit mono WAV; `due` hands out a packet when its time has come."""

    def __init__(self, clip: Path, duration_s: float, log: Path, opus: OpusSettings) -> None:
        """The clip begins anew as often as `duration_s` needs."""
        with wave.open(str(clip)) as wav:
            rate_hz = wav.getframerate()
            self._pcm: bytes = wav.readframes(wav.getnframes())
        self._frame_bytes = 2 * rate_hz * opus.ptime_ms // 1000
        self._bytes = 2 * round(duration_s * rate_hz)
        self._encoder = OpusEncoder(rate_hz, opus.bitrate_bps, opus.vbr)
        self._ptime_ms = opus.ptime_ms
        self._log_file = log
        self._log: list[tuple[int, int, int, int]] = []
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

    def due(self) -> bytes | None:
        """The packet whose time has come, perhaps long ago; None where none is due."""
        if self.wait_s() > 0:
            return None
        sequence = self.sent * self._ptime_ms // FRAME_MS
        packet = pack_voice(sequence, self._ready, last=self.sent == self.packets - 1)
        due_ns = self._start_ns + self.sent * self._ptime_ms * 1_000_000
        self._log.append((sequence, due_ns, time.time_ns(), len(self._ready)))
        self.sent += 1
        # Encoded ahead of time, so that encoding never makes a packet late.
        self._encode()
        return packet

    def just_finished(self) -> bool:
        """Whether the last packet has gone; true once."""
        finished = self.sent >= self.packets and not self._told
        self._told = self._told or finished
        return finished

    def write_log(self) -> None:
        """Keep sequence number, due time, time of sending and Opus bytes of every packet."""
        rows = [f"{row[0]},{row[1]},{row[2]},{row[3]}\n" for row in self._log]
        self._log_file.write_text("sequence,due_ns,time_ns,bytes\n" + "".join(rows))

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
