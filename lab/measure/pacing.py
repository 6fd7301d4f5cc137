"""Whether a sender kept pace, from the capture on its own interface.

A phone on a stalled machine sends late, and what it sends late no network can deliver in
time: such a call says nothing about the network.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from lab.measure.capture import Floats
from lab.measure.rtp import Stream


@dataclass(frozen=True, slots=True)
class Pacing:
    """How far packets left from where the sender's own timestamps put them, ms."""

    p99_ms: float
    max_ms: float
    max_gap_ms: float
    """Longest time between two packets beyond the media time between them."""
    skipped: int
    """Packets that the sender numbered but never sent."""

    def to_dict(self) -> dict[str, float | int]:
        """The values by name."""
        return asdict(self)


def deviations_ms(stream: Stream) -> Floats:
    """Each packet's distance from the grid that the RTP timestamps define, ms; late is positive.

    The grid's phase is the median packet's, so one early or late packet moves nothing.
    """
    left_ms = (stream.time_ns - stream.time_ns[0]) / 1e6
    against_media = left_ms - stream.media_ms
    deviation: Floats = against_media - np.median(against_media)
    return deviation


def sender_pacing(stream: Stream) -> Pacing:
    """Pacing of a stream as captured on its sender's interface.

    p99 and maximum are of the distance either way: a sender that slips once and stays behind
    is late or early against the median's grid, depending on when it slipped.
    """
    distance = np.abs(deviations_ms(stream))
    left_ms = stream.time_ns / 1e6
    gaps = np.diff(left_ms - left_ms[0]) - np.diff(stream.media_ms)
    expected = int(stream.sequence.max() - stream.sequence.min()) + 1
    return Pacing(
        p99_ms=float(np.percentile(distance, 99)),
        max_ms=float(distance.max()),
        max_gap_ms=float(gaps.max(initial=0.0)),
        skipped=expected - len(stream),
    )
