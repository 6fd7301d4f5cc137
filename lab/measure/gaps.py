"""Pauses in a stream: those of the talker told apart from those of the network."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from lab.measure.codecs import COMFORT_NOISE_TYPES
from lab.measure.rtp import Stream

LATE_MS = 60.0
"""A packet that comes this much later than its media time says has missed most playout
buffers: a gap one hears."""
PAUSE_PACKETS = 1.5
"""Media time between two successive packets, in packets, from which the talker paused."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """What interrupted a stream."""

    interarrival_p50_ms: float
    interarrival_p99_ms: float
    interarrival_max_ms: float
    network_gaps: int
    """Times the next packet came more than LATE_MS later than the media time between them
    explains."""
    network_gap_max_ms: float
    """The longest of them, beyond the media time."""
    lost_runs: int
    """Times one or more numbers in a row are missing."""
    lost_run_max: int
    """The longest run of missing numbers, packets."""
    talk_pauses: int
    """Times the sender itself left out media time: numbers go on, timestamps jump."""
    talk_pause_total_ms: float
    comfort_noise_packets: int

    @property
    def voice_activity_detection(self) -> bool:
        """The sender suppresses silence, which lowers PESQ by itself."""
        return self.talk_pauses > 0 or self.comfort_noise_packets > 0

    def to_dict(self) -> dict[str, float | int | bool]:
        """The values by name, with the verdict on voice activity detection."""
        return asdict(self) | {"voice_activity_detection": self.voice_activity_detection}


def gaps(stream: Stream) -> Gaps:
    """Find a stream's gaps.

    The sequence number counts packets and the timestamp counts media time, so a step in both
    is loss, a step in the timestamp alone is the talker, and a step in neither is delay.
    """
    arrival_ms = np.diff((stream.time_ns - stream.time_ns[0]) / 1e6)
    beyond_ms = arrival_ms - np.diff(stream.media_ms)
    order = np.argsort(stream.sequence)
    number = np.diff(stream.sequence[order])
    media_ms = np.diff(stream.media_ms[order])
    plain = ~stream.restart[order][1:]
    missing = number[(number > 1) & plain] - 1
    pause = (number == 1) & plain & (media_ms > PAUSE_PACKETS * stream.ptime_ms)
    late = beyond_ms[(beyond_ms > LATE_MS) & ~stream.restart[1:]]
    p50, p99, top = np.percentile(arrival_ms, (50, 99, 100))
    return Gaps(
        interarrival_p50_ms=float(p50),
        interarrival_p99_ms=float(p99),
        interarrival_max_ms=float(top),
        network_gaps=len(late),
        network_gap_max_ms=float(late.max(initial=0.0)),
        lost_runs=len(missing),
        lost_run_max=int(missing.max(initial=0)),
        talk_pauses=int(pause.sum()),
        talk_pause_total_ms=float((media_ms[pause] - stream.ptime_ms).sum()),
        comfort_noise_packets=int(np.isin(stream.payload_types, list(COMFORT_NOISE_TYPES)).sum()),
    )
