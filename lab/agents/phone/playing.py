"""What a phone plays in a call, and how far it has come."""

from __future__ import annotations

import math
import time
import wave
from collections.abc import Callable
from pathlib import Path

from lab.wire.codecs import Codec
from lab.wire.messages import Event, Failed
from lab.wire.phone import Ended, PacketCounts, Rejected, Voice
from lab.wire.voice import Played, Playing, Received

Emit = Callable[[Event], None]
"""Tells the host."""

_PLAYOUT_MARGIN_S = 0.1
"""From the moment a frame leaves the jitter buffer until the recorder certainly has it."""
_PAUSE_MARGIN_S = 0.1
"""By the clock alone: for the thread that sends, which may be behind."""
_START_PACKETS = 2
"""How many more packets may leave before the clip, which starts at a tick of the media clock."""


def make_ready(voice: Voice, codec: Codec) -> None:
    """See that the clip can be played, and the recording be written; ValueError or OSError."""
    with wave.open(str(voice.clip)) as wav:
        kind = (wav.getframerate(), 8 * wav.getsampwidth(), wav.getnchannels())
    if kind != (codec.sample_rate_hz, 16, 1):
        raise ValueError(
            f"{voice.clip} is {kind[0]} Hz, {kind[1]} bit, {kind[2]} channel(s); "
            f"{codec.name} needs {codec.sample_rate_hz} Hz, 16 bit, mono"
        )
    Path(voice.record).write_bytes(b"")


def write_voice(target: Path, voice: Voice, lead_s: float = 0.0, tail_s: float = 0.0) -> None:
    """Write what a call plays: the clip for as long as planned, with silence on both sides.

    pjsua2's own way to repeat a file costs a packet at every beginning; baresip has none.
    """
    with wave.open(str(voice.clip)) as clip, wave.open(str(target), "wb") as played:
        rate_hz = clip.getframerate()
        played.setparams(clip.getparams())
        played.writeframes(bytes(2 * round(lead_s * rate_hz)))
        samples = clip.readframes(clip.getnframes())
        left = 2 * round(voice.duration_s * rate_hz)
        while left > 0:
            played.writeframes(samples[:left])
            left -= len(samples)
        played.writeframes(bytes(2 * round(tail_s * rate_hz)))


def last_event(
    voice: Voice, status: int, reason: str, confirmed: bool, counts: PacketCounts | None
) -> Event:
    """What a call that is over comes to; the recording is whole, `counts` None without media."""
    if not confirmed:
        return Rejected(status, reason, "call")
    if counts is None:
        return Failed("media failed: none were negotiated")
    with wave.open(str(voice.record)) as wav:
        return Ended(status, reason, wav.getnframes() / wav.getframerate(), counts)


def unfinished(voice: Voice) -> Failed:
    """What a call comes to whose recording is not whole in time."""
    return Failed(f"media failed: {voice.record} was not finished")


class Progress:
    """Tells, from a phone's counters, when its clip was played and the other end's heard."""

    def __init__(self, voice: Voice, emit: Emit, pauses: bool = False) -> None:
        """`pauses`: nothing is sent in them, so that packets do not count the clip's time."""
        self._voice = voice
        self._emit = emit
        self._pauses = pauses
        self._clip_ends_at: float = 0
        """Counted in packets, or, with pauses, of the monotonic clock."""
        self._last_rx: tuple[int, float] = (0, 0.0)
        self._expected: int | None = None
        self._heard_at: float | None = None
        self._heard_all = False
        self.played = False
        """Whether the packet with which the clip ends has left."""

    def begin(self, tx_packets: int, ptime_ms: int) -> None:
        """The clip begins after that many packets."""
        packets = math.ceil(self._voice.duration_s * 1000 / ptime_ms) + _START_PACKETS
        if self._pauses:
            self._clip_ends_at = time.monotonic() + packets * ptime_ms / 1000 + _PAUSE_MARGIN_S
        else:
            self._clip_ends_at = tx_packets + packets
        self._emit(Playing(time.time()))

    def expect(self, packets: int) -> None:
        """The other end's clip ends with its packet of that number."""
        self._expected = packets

    def look(self, now: float, counts: PacketCounts, waiting_s: float) -> None:
        """Tell `Played` and `Received` when it is time; `now` is of the monotonic clock.

        `waiting_s` of voice has come and is yet to be played.
        """
        so_far = now if self._pauses else counts.tx_packets
        if not self.played and so_far >= self._clip_ends_at:
            self.played = True
            self._emit(Played(counts.tx_packets if self._pauses else int(self._clip_ends_at)))
        arrived = counts.rx_packets
        if arrived != self._last_rx[0]:
            self._last_rx = (arrived, now)
        if self._expected is None or self._heard_all:
            return
        complete = arrived + counts.rx_lost >= self._expected
        if complete and self._heard_at is None:
            self._heard_at = now + waiting_s + _PLAYOUT_MARGIN_S
        given_up = now - self._last_rx[1] > self._voice.quiet_s
        if given_up or (self._heard_at is not None and now >= self._heard_at):
            self._heard_all = True
            self._emit(Received(time.time(), arrived, complete))
