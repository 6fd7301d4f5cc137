"""What a phone does in a call, and how far it has come."""

from __future__ import annotations

import math
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.wire.codecs import Codec

_PLAYOUT_MARGIN_S = 0.1
"""From the moment a frame leaves the jitter buffer until the recorder certainly has it."""
_START_PACKETS = 2
"""How many more packets may leave before the clip, which starts at a tick of the media clock."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What a phone does in a call."""

    clip: Path
    """WAV to play, repeated where `duration_s` is longer."""
    clip_s: float
    record: Path
    """WAV to write."""
    duration_s: float
    """How long to play."""
    quiet_s: float
    """After so long without a packet, the other end is taken to have finished."""


def plan_call(order: dict[str, Any], codec: Codec) -> CallPlan:
    """The plan that an order makes, checked: ValueError or OSError where it cannot be done."""
    clip, record = Path(order["clip"]), Path(order["record"])
    with wave.open(str(clip)) as wav:
        kind = (wav.getframerate(), 8 * wav.getsampwidth(), wav.getnchannels())
        clip_s = float(wav.getnframes() / wav.getframerate())
    if kind != (codec.sample_rate_hz, 16, 1):
        raise ValueError(
            f"{clip} is {kind[0]} Hz, {kind[1]} bit, {kind[2]} channel(s); "
            f"{codec.name} needs {codec.sample_rate_hz} Hz, 16 bit, mono"
        )
    record.write_bytes(b"")
    return CallPlan(
        clip=clip,
        clip_s=clip_s,
        record=record,
        duration_s=order.get("duration_s") or clip_s,
        quiet_s=order["quiet_s"],
    )


def write_voice(target: Path, plan: CallPlan, lead_s: float = 0.0, tail_s: float = 0.0) -> None:
    """Write what a call plays: the clip for as long as planned, with silence on both sides.

    pjsua2's own way to repeat a file costs a packet at every beginning; baresip has none.
    """
    with wave.open(str(plan.clip)) as clip, wave.open(str(target), "wb") as voice:
        rate_hz = clip.getframerate()
        voice.setparams(clip.getparams())
        voice.writeframes(bytes(2 * round(lead_s * rate_hz)))
        samples = clip.readframes(clip.getnframes())
        left = 2 * round(plan.duration_s * rate_hz)
        while left > 0:
            voice.writeframes(samples[:left])
            left -= len(samples)
        voice.writeframes(bytes(2 * round(tail_s * rate_hz)))


@dataclass(frozen=True, slots=True)
class Counted:
    """A phone's own counters at one moment of a call."""

    tx_packets: int
    rx_packets: int
    rx_lost: int
    waiting_s: float
    """How much voice has come and is yet to be played."""


class Progress:
    """Tells, from a phone's counters, when its clip was played and the other end's heard."""

    def __init__(self, plan: CallPlan, emit: Callable[..., None]) -> None:
        self._plan = plan
        self._emit = emit
        self._clip_ends_at = 0
        self._last_rx: tuple[int, float] = (0, 0.0)
        self._expected: int | None = None
        self._heard_at: float | None = None
        self._heard_all = False
        self.played = False
        """Whether the packet with which the clip ends has left."""

    def begin(self, tx_packets: int, ptime_ms: int) -> None:
        """The clip begins after that many packets."""
        packets = math.ceil(self._plan.duration_s * 1000 / ptime_ms)
        self._clip_ends_at = tx_packets + packets + _START_PACKETS
        self._emit("playing", tx_packets=tx_packets)

    def expect(self, packets: int) -> None:
        """The other end's clip ends with its packet of that number."""
        self._expected = packets

    def look(self, now: float, counted: Counted) -> None:
        """Emit `played` and `received` when it is time; `now` is of the monotonic clock."""
        if not self.played and counted.tx_packets >= self._clip_ends_at:
            self.played = True
            self._emit("played", tx_packets=self._clip_ends_at)
        arrived = counted.rx_packets
        if arrived != self._last_rx[0]:
            self._last_rx = (arrived, now)
        if self._expected is None or self._heard_all:
            return
        complete = arrived + counted.rx_lost >= self._expected
        if complete and self._heard_at is None:
            self._heard_at = now + counted.waiting_s + _PLAYOUT_MARGIN_S
        given_up = now - self._last_rx[1] > self._plan.quiet_s
        if given_up or (self._heard_at is not None and now >= self._heard_at):
            self._heard_all = True
            self._emit("received", complete=complete, rx_packets=arrived)
