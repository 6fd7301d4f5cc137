"""The delay of every packet between two captures, on one clock or on two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.errors import LabError
from lab.measure.capture import Floats
from lab.measure.matching import Match, match
from lab.measure.pcap import Ints
from lab.measure.rtp import Stream

SKEW_PARTS = 10
"""Parts of the call whose fastest packets are compared to find a skew."""
SKEW_CERTAINTY = 5.0
"""Standard errors by which a slope must exceed 0; with 8 degrees of freedom noise does so once
in a thousand calls."""
NEXT_PACKET = 1.25
"""Packets' time after the last that a capture shows in which one more was due to be seen."""
MAX_SKEW_PPM = 500.0
"""What RFC 5905 allows a clock to run fast or slow; more is a path that changes."""


@dataclass(frozen=True, slots=True)
class ClockFit:
    """How the receiver's clock reads against the sender's: reading = time + offset + skew."""

    offset_ms: float
    """At `reference_ns` of the sender's clock."""
    skew_ppm: float
    """How much faster the receiver's clock runs."""
    reference_ns: int
    basis: str
    """`shared` (nothing to correct), `round-trip` (both directions seen, the fastest packets
    of both taken to need equally long) or `minimum` (one direction only: delays are relative
    to the fastest packet)."""

    def correction_ms(self, sent_ns: Ints) -> Floats:
        """What to take off a difference of readings for packets sent at these times."""
        elapsed_ms = (sent_ns - self.reference_ns) / 1e6
        correction: Floats = self.offset_ms + self.skew_ppm * 1e-6 * elapsed_ms
        return correction

    def reversed(self) -> ClockFit:
        """The same two clocks, for streams that run the other way."""
        reference_ns = self.reference_ns + round(self.offset_ms * 1e6)
        return ClockFit(-self.offset_ms, -self.skew_ppm, reference_ns, self.basis)


SHARED_CLOCK = ClockFit(offset_ms=0.0, skew_ppm=0.0, reference_ns=0, basis="shared")


@dataclass(frozen=True, slots=True, eq=False)
class PacketDelays:
    """One-way delay of every packet that was seen in both captures, in order of sending."""

    sent_ns: Ints
    """By the sender's clock."""
    delay_ms: Floats
    sent_packets: int
    """Those that could have been seen at the receiver."""
    received_packets: int
    matched_by: str
    """`number` or `payload`."""
    clock: ClockFit

    def __len__(self) -> int:
        return len(self.delay_ms)

    def percentile_ms(self, percent: float) -> float | None:
        """A percentile of the delay, ms; None where no packet was matched."""
        return float(np.percentile(self.delay_ms, percent)) if len(self) else None

    def within_pct(self, limit_ms: float) -> float | None:
        """Share of the packets sent that came in less than `limit_ms`; None as of `loss_pct`."""
        if self.matched_by != "number" or not self.sent_packets:
            return None
        return 100.0 * float(np.sum(self.delay_ms < limit_ms)) / self.sent_packets

    @property
    def p50_ms(self) -> float | None:
        """Median delay, ms."""
        return self.percentile_ms(50)

    @property
    def p95_ms(self) -> float | None:
        """The delay that 5 % of the packets exceed, ms."""
        return self.percentile_ms(95)

    @property
    def max_ms(self) -> float | None:
        """The largest delay, ms."""
        return self.percentile_ms(100)

    @property
    def loss_pct(self) -> float | None:
        """Share of sent packets that never arrived; None where matching by payload, which
        skips what is ambiguous, leaves it open.
        """
        if self.matched_by != "number" or not self.sent_packets:
            return None
        return 100.0 * (1 - len(self) / self.sent_packets)

    def spikes(self, threshold_ms: float = 100.0) -> int:
        """How often the delay rises above the median by more than the threshold.

        A spike lasts until the delay falls below half of that again, so that a slow decline
        counts once.
        """
        if not len(self):
            return 0
        above = self.delay_ms - np.median(self.delay_ms)
        state = np.where(above > threshold_ms, 1, np.where(above < threshold_ms / 2, -1, 0))
        decided = state[state != 0]
        return int(np.sum(np.diff(decided, prepend=-1) > 0))


def packet_delays(
    sent: Stream,
    received: Stream,
    clock: ClockFit = SHARED_CLOCK,
    pairs: Match | None = None,
    received_until_ns: int | None = None,
) -> PacketDelays:
    """The delay of every packet of one stream, from the sender's capture to the receiver's.

    With the default clock the two captures were taken on one host and the delays are exact;
    otherwise pass what `fit_clocks` found. `pairs` saves matching again. Packets that were
    due after `received_until_ns`, when the receiver's capture ended, do not count as lost,
    but for the one that would have been the next.
    """
    pairs = match(sent, received) if pairs is None else pairs
    sent_ns = sent.time_ns[pairs.sent]
    reading_ms = (received.time_ns[pairs.received] - sent_ns) / 1e6
    sent_packets = len(sent)
    if received_until_ns is not None and len(pairs):
        missing_ns = np.delete(sent.time_ns, pairs.sent)
        due_ns = missing_ns + float(np.median(reading_ms)) * 1e6
        next_ns = received_until_ns + NEXT_PACKET * sent.ptime_ms * 1e6
        sent_packets -= int(np.sum(due_ns > next_ns))
    return PacketDelays(
        sent_ns=sent_ns,
        delay_ms=reading_ms - clock.correction_ms(sent_ns),
        sent_packets=sent_packets,
        received_packets=len(received),
        matched_by=pairs.by,
        clock=clock,
    )


def fit_clocks(
    forward: tuple[Stream, Stream], backward: tuple[Stream, Stream] | None = None
) -> ClockFit:
    """Offset and skew of the forward receiver's clock against the forward sender's.

    Each argument is (sent, received); `backward` runs the other way in the same two
    captures. The fastest packets carry the clocks' difference: a line under the differences
    of readings, touching the lowest (Moon, Skelly and Towsley, INFOCOM 1999). With both
    directions the offset is half the difference of the two lines, as in NTP (RFC 5905, 8):
    exact where the fastest packets need equally long both ways, and at worst wrong by half
    the smallest round trip. With one direction only differences of delay are known, and the
    fastest packet's delay is taken as 0.
    A skew is believed only where the floor of the delay moves evenly enough to show it
    (`_skew_shows`); otherwise it is 0, for a congested path drifts far more than a clock.
    Raises LabError where no packet stands in both captures.
    """
    sent_ns, reading_ms = _readings(*forward)
    if not len(sent_ns):
        raise LabError(
            "No packet of the stream stands in both captures.",
            "Are they captures of the same call, taken at the same time?",
        )
    reference_ns = int(sent_ns.min())
    floors = [((sent_ns - reference_ns) / 1e6, reading_ms)]
    if backward is not None:
        back_ns, back_ms = _readings(*backward)
        if len(back_ns):
            # On the forward sender's clock the backward packet is known by its arrival.
            floors.append(((back_ns - reference_ns) / 1e6 + back_ms, -back_ms))
    skewed = _skew_shows(floors)
    lines = [_floor_line(*floors[0], skewed)]
    if len(floors) == 2:
        value, slope = _floor_line(floors[1][0], -floors[1][1], skewed)
        lines.append((-value, -slope))
    offset_ms, slope = np.mean(lines, axis=0)
    basis = "round-trip" if len(lines) == 2 else "minimum"
    return ClockFit(float(offset_ms), float(slope) * 1e6, reference_ns, basis)


def _skew_shows(directions: list[tuple[Floats, Floats]]) -> bool:
    """Whether the floor of the delay moves as clocks do: on one slope, well above its noise.

    `directions` are (time, reading) in ms, with readings such that a skew slopes alike in
    all. Each direction is cut into equal times, and a line is laid through the lowest
    reading of each: its slope must exceed its own standard error by far, and be one a clock
    can have.
    """
    end_ms = max(float(time_ms.max()) for time_ms, _ in directions)
    if end_ms <= 0:
        return False
    floors = []
    for number, (time_ms, reading_ms) in enumerate(directions):
        part = np.clip(time_ms / end_ms * SKEW_PARTS, 0, SKEW_PARTS - 1).astype(np.int64)
        floor = np.full(SKEW_PARTS, np.inf)
        np.minimum.at(floor, part, reading_ms if number == 0 else -reading_ms)
        floors.append(floor if number == 0 else -floor)
    floor = np.mean(floors, axis=0)
    if not np.isfinite(floor).all():
        return False
    middle_ms = (np.arange(SKEW_PARTS) + 0.5) * end_ms / SKEW_PARTS
    (slope, _), covariance = np.polyfit(middle_ms, floor, 1, cov=True)
    error = float(np.sqrt(covariance[0, 0]))
    return bool(abs(slope) * 1e6 <= MAX_SKEW_PPM and abs(slope) > SKEW_CERTAINTY * error)


def _floor_line(time_ms: Floats, reading_ms: Floats, skewed: bool) -> tuple[float, float]:
    return _lower_line(time_ms, reading_ms) if skewed else (float(reading_ms.min()), 0.0)


def _readings(sent: Stream, received: Stream) -> tuple[Ints, Floats]:
    pairs = match(sent, received)
    sent_ns = sent.time_ns[pairs.sent]
    return sent_ns, (received.time_ns[pairs.received] - sent_ns) / 1e6


def _lower_line(x: Floats, y: Floats) -> tuple[float, float]:
    """The line below all points that is closest to them on average: (value at 0, slope).

    It is the edge of the lower convex hull above the mean of x.
    """
    hull: list[tuple[float, float]] = []
    for point in sorted(zip(x.tolist(), y.tolist(), strict=True)):
        while len(hull) >= 2 and _turns_down(hull[-2], hull[-1], point):
            hull.pop()
        if hull and hull[-1][0] == point[0]:
            continue
        hull.append(point)
    if len(hull) == 1:
        return hull[0][1], 0.0
    corners = np.array(hull)
    edge = int(np.clip(np.searchsorted(corners[:, 0], x.mean()), 1, len(hull) - 1))
    (x0, y0), (x1, y1) = corners[edge - 1], corners[edge]
    slope = float((y1 - y0) / (x1 - x0))
    return float(y0 - slope * x0), slope


def _turns_down(
    first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]
) -> bool:
    """Whether the middle point lies on or above the line between the others."""
    across = (middle[0] - first[0]) * (last[1] - first[1])
    return across <= (last[0] - first[0]) * (middle[1] - first[1])
