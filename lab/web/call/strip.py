"""A call's directory → what its strip charts show: the way of every packet, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lab.ends import CALLEE, CALLER, EACH_END
from lab.errors import LabError
from lab.measure.call.clocks import clock_between
from lab.measure.call.ends import ENDS
from lab.measure.call.files import SCORES, STALLS
from lab.measure.call.notes import CallNotes, read_notes
from lab.measure.capture import Floats
from lab.measure.delay import SHARED_CLOCK, ClockFit, packet_delays
from lab.measure.matching import match
from lab.measure.octets import Flags
from lab.measure.pcap import Ints
from lab.measure.rtp import Stream
from lab.web.call.due import spare_ms

MOST_POINTS = 4000
"""Of a series in a chart."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which nothing of the voice was played."""

    at_s: float
    """On the axis of its chart."""
    ms: float
    cause: str
    """As the ledger of stalls has it."""


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """One direction of a call; arrays have one entry per packet that came, in order of sending."""

    hearer: str
    """The end that received it."""
    sent_s: Floats
    """Since the first packet was sent."""
    delay_ms: Floats
    """One way."""
    due_ms: Floats
    """The delay with which it would just have been in time to be played; NaN where it is not
    known."""
    lost_s: Floats | None
    """When those were sent that never came; None where that cannot be told packet by packet."""
    sent: int
    """Packets."""
    playout: str
    """The buffer before the ear, in words."""
    gaps: tuple[Gap, ...] = ()
    no_deadline: str | None = None
    """Why no deadline is known; None where it is."""
    late: Flags = field(init=False)
    """Those that came when their turn was over."""

    def __post_init__(self) -> None:
        late = self.delay_ms > np.where(np.isnan(self.due_ms), np.inf, self.due_ms)
        object.__setattr__(self, "late", late)

    @property
    def summary(self) -> str:
        """The same in a sentence, for who does not see the chart."""
        if not len(self.delay_ms):
            return f"Of {self.sent} packets to the {self.hearer} none came."
        p50, p95 = np.percentile(self.delay_ms, (50, 95))
        words = [
            f"To the {self.hearer} {len(self.delay_ms)} of {self.sent} packets came, half of them "
            f"within {p50:.1f} ms, 95 % within {p95:.1f} ms, the slowest after "
            f"{self.delay_ms.max():.1f} ms"
        ]
        words.append(
            f"{int(self.late.sum())} of them late for playout ({self.playout})"
            if self.no_deadline is None
            else f"which of them were late for playout is not measured: {self.no_deadline}"
        )
        return "; ".join(words) + "."


@dataclass(frozen=True, slots=True)
class Strip:
    """Both directions of a call."""

    ways: tuple[Way, ...]
    """Towards the callee, then towards the caller; empty where its voice cannot be seen."""
    lacking: str | None = None
    """Why not."""
    said_s: float | None = None
    """For how long both ends played the clip; None where it did not come to that."""
    clip_in_recording_ms: dict[str, float] = field(default_factory=dict)
    """End → where in its recording the clip begins; absent where it was not found."""


def read_strip(directory: Path) -> Strip:
    """What the call's files show; a call without voice has a strip that says why it is empty."""
    try:
        notes = read_notes(directory)
    except LabError as error:
        return Strip((), error.message)
    found = _found(directory)
    try:
        ways = _ways(directory, notes)
    except LabError as error:
        reason = error.message.replace(f"{directory}/", "")
        return Strip((), reason, notes.duration_s, found)
    return Strip(ways, None, notes.duration_s, found)


def _ways(directory: Path, notes: CallNotes) -> tuple[Way, ...]:
    if notes.reports is None:
        raise LabError(notes.failure or "neither end told anything of the call")
    voice = ENDS.named(notes.reports.kind).find_voice(directory, notes)
    forth = clock_between(notes, voice)
    back = forth if forth is SHARED_CLOCK else forth.reversed()
    ledgers = _json(directory / STALLS)
    return (
        _way(notes, CALLEE, voice.from_caller, voice.at_callee, voice.from_callee, forth, ledgers),
        _way(notes, CALLER, voice.from_callee, voice.at_caller, voice.from_caller, back, ledgers),
    )


def _way(
    notes: CallNotes,
    hearer: str,
    sent: Stream,
    received: Stream,
    own: Stream,
    clock: ClockFit,
    ledgers: dict[str, Any],
) -> Way:
    """`own` is what the hearer itself sent: it tells when it took what it played."""
    spoken = sent.taken(sent.media_ms < (notes.duration_s or 0.0) * 1000)
    pairs = match(spoken, received)
    delays = packet_delays(spoken, received, clock, pairs)
    first_ns = int(spoken.time_ns.min()) if len(spoken) else 0
    due_ms = np.full(len(delays), np.nan)
    no_deadline = None
    try:
        due_ms = delays.delay_ms + spare_ms(notes, received, own)[pairs.received]
    except LabError as error:
        no_deadline = error.message.rstrip(".")
    lost_s = None
    if pairs.by == "number":
        lost_s = (np.delete(spoken.time_ns, pairs.sent) - first_ns) / 1e9
    shift_s = (int(received.time_ns.min()) - first_ns) / 1e9
    shift_s -= float(clock.correction_ms(np.array([first_ns]))[0]) / 1e3
    return Way(
        hearer=hearer,
        sent_s=(delays.sent_ns - first_ns) / 1e9,
        delay_ms=delays.delay_ms,
        due_ms=due_ms,
        lost_s=lost_s,
        sent=delays.sent_packets,
        playout=str(notes.plan.playout),
        gaps=tuple(
            Gap(shift_s + stall["at_s"], stall["ms"], stall["cause"])
            for stall in ledgers.get(hearer, {}).get("ledger", ())
        ),
        no_deadline=no_deadline,
    )


def _found(directory: Path) -> dict[str, float]:
    """Where in either recording the clip was found to begin."""
    scores = _json(directory / SCORES)
    delays = {end: scores.get(end, {}).get("delay_ms") for end in EACH_END}
    return {end: float(delay_ms) for end, delay_ms in delays.items() if delay_ms is not None}


def _json(file: Path) -> dict[str, Any]:
    """What a file of the call holds; nothing where it is not there."""
    try:
        held: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return held


def thinned(x: Floats, y: Floats, most: int = MOST_POINTS) -> Ints:
    """Which points to draw, at most `most`: of each stretch of x its lowest and its highest.

    `x` ascends. Extremes are kept, whatever the number of points.
    """
    if len(x) <= most:
        return np.arange(len(x))
    stretches = np.array_split(np.arange(len(x)), most // 2)
    kept: set[int] = set()
    for part in stretches:
        kept |= {int(part[np.argmin(y[part])]), int(part[np.argmax(y[part])])}
    return np.array(sorted(kept), np.int64)


def points(x: Floats, y: Sequence[float] | Floats, most: int = MOST_POINTS) -> list[list[float]]:
    """[x, y] of the points to draw."""
    values = np.asarray(y, np.float64)
    chosen = thinned(x, values, most)
    at = np.round(x[chosen], 3).tolist()
    return [[a, b] for a, b in zip(at, np.round(values[chosen], 2).tolist(), strict=True)]
