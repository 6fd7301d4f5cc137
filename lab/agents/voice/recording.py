"""What one client receives: its packets, and recordings of them through playout buffers."""

from __future__ import annotations

import time
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from lab.agents.voice.opus import OpusDecoder
from lab.agents.voice.playout import Arrival, PlayedOut, play_out
from lab.wire.voice import Received
from lab.wire.voice_client import Playback, Recording, Talk


@dataclass(frozen=True, slots=True)
class Came:
    """A packet that came."""

    media_ms: int
    """Where in the voice it belongs, counted from any moment on."""
    time_ns: int
    """Unix time."""
    opus: bytes


class Recorder:
    """Takes the voice of the other end and plays it out at the end."""

    def __init__(self) -> None:
        self._came: dict[int, Came] = {}
        self._last_came = time.monotonic()
        self._order: Talk | None = None

    @property
    def packets(self) -> int:
        """How many different packets have come."""
        return len(self._came)

    def prepare(self, order: Talk) -> None:
        """Which recordings are to be made of what comes, and how long to wait for more."""
        self._order = order
        self._last_came = time.monotonic()

    def take(self, came: Came) -> bool:
        """Take a packet, just read; False, and nothing done, for one that had come before."""
        if came.media_ms in self._came:
            return False
        self._came[came.media_ms] = came
        self._last_came = time.monotonic()
        return True

    def received(self, expected: int) -> Received | None:
        """What to tell once that many have come, or nothing has for too long; None before."""
        assert self._order
        quiet = time.monotonic() - self._last_came > self._order.quiet_s
        complete = self.packets >= expected
        return Received(time.time(), self.packets, complete) if complete or quiet else None

    def play(self) -> tuple[Playback, ...]:
        """Write every recording that was ordered; what each buffer made of the packets."""
        if self._order is None:
            return ()
        opus = self._order.opus
        return tuple(
            self._record(recording, opus.ptime_ms, opus.fec) for recording in self._order.recordings
        )

    def _record(self, recording: Recording, ptime_ms: int, fec: bool) -> Playback:
        by_index = {came.media_ms // ptime_ms: came for came in self._came.values()}
        arrivals = [Arrival(came.time_ns / 1e6, index) for index, came in by_index.items()]
        played = play_out(arrivals, recording.playout, ptime_ms)
        repairs = repairs_of(played, by_index, ptime_ms) if fec else {}
        samples = recording.rate_hz * ptime_ms // 1000
        decoder, heard_any = OpusDecoder(recording.rate_hz), False
        with wave.open(str(recording.file), "wb") as wav:
            wav.setnchannels(1)
            wav.setsampwidth(2)
            wav.setframerate(recording.rate_hz)
            for tick, index in enumerate(played.heard):
                if index is None and not heard_any:
                    wav.writeframes(bytes(2 * samples))
                elif index is None and tick in repairs:
                    wav.writeframes(decoder.repair(repairs[tick], samples))
                else:
                    heard_any = True
                    opus = None if index is None else by_index[index].opus
                    wav.writeframes(decoder.decode(opus, samples))
        decoder.close()
        return Playback(
            file=recording.file,
            packets=len(arrivals),
            ticks=len(played.heard),
            concealed=played.concealed,
            skipped=played.skipped,
            delay_ms_mean=played.delay_ms_mean,
            delay_ms_max=played.delay_ms_max,
        )


def repairs_of(played: PlayedOut, came: Mapping[int, Came], ptime_ms: int) -> dict[int, bytes]:
    """Tick at which a packet was missing → the next one, where that had come by then.

    `came` are the packets by their index, in order of arrival.
    """
    repairs: dict[int, bytes] = {}
    first, began_ns = min(came, default=0), next((c.time_ns for c in came.values()), 0)
    for tick, (before, index) in enumerate(pairwise(played.heard)):
        if before is None and index is not None and index > first and index - 1 not in came:
            following = came[index]
            if following.time_ns <= began_ns + tick * ptime_ms * 1_000_000:
                repairs[tick] = following.opus
    return repairs
