"""What every packet of a call's voice met on its way, both directions, to be met again.

`docs/profiles.md` describes the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab.errors import LabError
from lab.measure.bursts import Bursts, bursts
from lab.measure.clocks import Clocks
from lab.measure.delay import ClockFit
from lab.measure.jitter import smoothed
from lab.measure.pcap import Ints
from lab.measure.rtp import Stream
from lab.measure.two_captures import Comparison, Direction, compare

MIN_PACKETS = 50
"""A second of voice: less says nothing of a call."""


@dataclass(frozen=True, slots=True)
class VoiceWay:
    """One direction."""

    codec: str
    ptime_ms: float
    at_us: tuple[int, ...]
    """When each packet was sent, ascending from 0."""
    takes_us: tuple[int | None, ...]
    """How long each took; None where it was lost."""

    @property
    def loss_pct(self) -> float:
        """Share of the packets that were lost."""
        return 100 * sum(takes is None for takes in self.takes_us) / len(self.takes_us)

    @property
    def duration_s(self) -> float:
        """From the first packet to the end of the last."""
        return self.at_us[-1] / 1e6 + self.ptime_ms / 1000

    def percentile_ms(self, percent: float) -> float:
        """A percentile of the delay of those that arrived, ms."""
        return float(np.percentile([t for t in self.takes_us if t is not None], percent)) / 1000

    @property
    def bursts(self) -> Bursts:
        """How they arrived."""
        sent_us, delay_us = self._arrived()
        found = bursts(np.sort(1000 * (sent_us + delay_us)))
        assert found is not None
        return found

    @property
    def jitter_mean_ms(self) -> float:
        """Mean of RFC 3550's running estimate, as far as the way makes it: of the delays alone."""
        sent_us, delay_us = self._arrived()
        in_order = delay_us[np.argsort(sent_us + delay_us, kind="stable")] / 1000
        return float(smoothed(np.abs(np.diff(in_order, prepend=in_order[0]))).mean())

    def _arrived(self) -> tuple[Ints, Ints]:
        """When those that arrived were sent, and how long they took, us."""
        known = [
            (at, takes)
            for at, takes in zip(self.at_us, self.takes_us, strict=True)
            if takes is not None
        ]
        sent_us, delay_us = np.array(known, dtype=np.int64).T
        return sent_us, delay_us


@dataclass(frozen=True, slots=True)
class ProfileClock:
    """How the two captures' clocks were brought together; see `lab.measure.delay.ClockFit`."""

    basis: str
    offset_ms: float
    skew_ppm: float


@dataclass(frozen=True, slots=True)
class HeardMos:
    """What PESQ (MOS-LQO) says of the field's own recordings."""

    caller: float | None
    """None where there is no recording of that end."""
    callee: float | None


@dataclass(frozen=True, slots=True)
class Profile:
    """A whole call."""

    made_from: tuple[str, str]
    """The captures: the caller's and the callee's."""
    clock: ProfileClock
    to_callee: VoiceWay
    to_caller: VoiceWay
    pesq_mos: HeardMos | None = None
    """None where nobody gave the recordings."""
    without_bursts: tuple[str, ...] = ()
    """The directions whose delays are not as measured: without the waiting for steady bursts
    (`lab.measure.unburst`)."""

    @property
    def duration_s(self) -> float:
        """Of the longer direction."""
        return max(self.to_callee.duration_s, self.to_caller.duration_s)


def make_profile(
    at_caller: Sequence[Stream],
    at_callee: Sequence[Stream],
    made_from: tuple[str, str],
    clocks: Clocks = Clocks.AUTO,
) -> Profile:
    """The profile of the one call whose voice stands in both captures, as streams.

    LabError where the captures are not of one call, or hold less than a second of either voice.
    """
    comparison = compare(at_caller, at_callee, clocks)
    if not comparison.directions:
        raise LabError(
            f"{made_from[0]} and {made_from[1]} hold no voice that is the same in both",
            "A profile is made of captures at both ends of one call.",
        )
    there, back = (_longest(comparison, from_first, made_from) for from_first in (True, False))
    return Profile(made_from, _clock(comparison.clock), _voice_way(there), _voice_way(back))


def _longest(comparison: Comparison, from_first: bool, made_from: tuple[str, str]) -> Direction:
    ways = [way for way in comparison.directions if way.from_first is from_first]
    found = max(ways, key=lambda way: len(way.delays), default=None)
    if found is None or len(found.delays) < MIN_PACKETS:
        sender, receiver = made_from if from_first else made_from[::-1]
        seen = 0 if found is None else len(found.delays)
        raise LabError(
            f"of the voice from {sender} to {receiver} only {seen} packets stand in both captures",
            f"A profile needs {MIN_PACKETS} or more both ways.",
        )
    return found


def _clock(clock: ClockFit) -> ProfileClock:
    return ProfileClock(clock.basis, clock.offset_ms, clock.skew_ppm)


def _voice_way(way: Direction) -> VoiceWay:
    """The packets of one direction in order of sending; those sent after the last known one are
    left out, since nobody watched for them.

    Where packets were matched by their payload, one that has no partner is unknown, not lost: it
    is left out, too.
    """
    known_ns, delay_ms = way.delays.sent_ns, way.delays.delay_ms
    order = np.argsort(known_ns, kind="stable")
    known_ns, delay_ms = known_ns[order], np.maximum(delay_ms[order], 0.0)
    sent_ns = np.unique(way.sent.time_ns)
    numbered = way.delays.matched_by == "number"
    at_ns = sent_ns[sent_ns <= known_ns[-1]] if numbered else np.unique(known_ns)
    place = np.searchsorted(known_ns, at_ns)
    met = known_ns[np.minimum(place, len(known_ns) - 1)] == at_ns
    takes = [
        round(1000 * delay_ms[where]) if was_met else None
        for where, was_met in zip(place.tolist(), met.tolist(), strict=True)
    ]
    at_us = np.round((at_ns - at_ns[0]) / 1000).astype(np.int64).tolist()
    return VoiceWay(way.sent.codec.name, way.sent.ptime_ms, tuple(at_us), tuple(takes))
