"""Pauses in a stream: those of the talker told apart from those of the network."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from lab.measure.capture import Floats
from lab.measure.pcap import Ints
from lab.measure.percentiles import percentiles
from lab.measure.rtp import Stream

LATE_MS = 60.0
"""A packet that comes this much later than its media time says has missed most playout
buffers: a gap one hears."""
PAUSE_PACKETS = 1.5
"""Media time between two successive packets, in packets, from which the talker paused."""
MIN_RUN = 5
"""So many equal steps of media time in a row are packets of another length, not pauses."""
MAX_PACKET_MS = 200.0
"""Longer packets are not in use."""
LEAST_FULL, LARGE_PERCENT = 0.5, 90
"""Share of the bytes of a large packet, the one that so many are smaller than: packets of
another length with fewer hold no voice."""
OPUS_EMPTY_BYTES = 2
"""So long at most is a packet of Opus that need not be sent (opus.h, `opus_encode`)."""
SAME_STEP_MS = 0.5


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
        return {name: getattr(self, name) for name in _NAMES} | {
            "voice_activity_detection": self.voice_activity_detection
        }


_NAMES = tuple(field.name for field in fields(Gaps))


def gaps(stream: Stream) -> Gaps:
    """Find a stream's gaps.

    The sequence number counts packets and the timestamp counts media time, so a step in both
    is loss, a step in the timestamp alone is the talker, and a step in neither is delay.
    """
    since_ms = (stream.time_ns - stream.time_ns[0]) / 1e6
    arrival_ms = since_ms[1:] - since_ms[:-1]
    beyond_ms = arrival_ms - (stream.media_ms[1:] - stream.media_ms[:-1])
    number = stream.sequence[stream.in_order]
    number = number[1:] - number[:-1]
    plain = ~stream.restart[stream.in_order][1:]
    missing = number[(number > 1) & plain] - 1
    pauses_ms = _talk_pauses_ms(stream, number)
    late = beyond_ms[(beyond_ms > LATE_MS) & ~stream.restart[1:]]
    p50, p99, top = percentiles(arrival_ms, (50, 99, 100))
    return Gaps(
        interarrival_p50_ms=p50,
        interarrival_p99_ms=p99,
        interarrival_max_ms=top,
        network_gaps=len(late),
        network_gap_max_ms=float(late.max(initial=0.0)),
        lost_runs=len(missing),
        lost_run_max=int(missing.max(initial=0)),
        talk_pauses=len(pauses_ms),
        talk_pause_total_ms=float(pauses_ms.sum()),
        comfort_noise_packets=int(stream.comfort_noise.sum()),
    )


def empty_packets(stream: Stream) -> int:
    """How many packets of Opus hold no voice, as its DTX has them (RFC 6716, 2.1.9 and 3.4).

    Some senders leave them out, which makes pauses of them; baresip sends each.
    """
    if stream.codec.name != "OPUS":
        return 0
    return int((stream.media & (stream.payload_bytes <= OPUS_EMPTY_BYTES)).sum())


def _talk_pauses_ms(stream: Stream, number: Ints) -> Floats:
    """The media time that the sender left out each time, beyond a packet's own.

    `number` are the steps of the numbers in their order.
    """
    order = stream.in_order
    media_ms = stream.media_ms[order]
    media_ms = media_ms[1:] - media_ms[:-1]
    usual_ms = stream.ptime_ms
    if not (media_ms > PAUSE_PACKETS * usual_ms).any():
        return np.zeros(0)
    media = stream.media[order]
    follows = ~stream.restart[order][1:] & media[1:] & media[:-1] & (number == 1)
    media_ms = media_ms[follows]
    if not len(media_ms):
        return np.zeros(0)
    fullness = _fullness(stream)[order][:-1][follows]
    packet_ms = _packet_times_ms(media_ms, fullness, usual_ms)
    pause = media_ms > PAUSE_PACKETS * packet_ms
    pauses: Floats = (media_ms - packet_ms)[pause]
    return pauses


def _fullness(stream: Stream) -> Floats:
    """Each packet's bytes as a share of what a large packet of its type has."""
    fullness = np.ones(len(stream))
    for kind in np.unique(stream.payload_types).tolist():
        mine = stream.payload_types == kind
        large = percentiles(stream.payload_bytes[mine], (LARGE_PERCENT,))[0]
        fullness[mine] = stream.payload_bytes[mine] / max(large, 1.0)
    return fullness


def _packet_times_ms(media_ms: Floats, fullness: Floats, usual_ms: float) -> Floats:
    """How much media each packet holds: the steps of its neighbours where they are all alike.

    A sender may change its packetisation in the call. Steps of one length, no longer than
    packets are made, are packets; unless these are small: then they keep a silence going, as
    those of discontinuous transmission do.
    """
    edges = np.flatnonzero(np.abs(np.diff(media_ms, prepend=-1.0, append=-1.0)) > SAME_STEP_MS)
    begins, lengths = edges[:-1], np.diff(edges)
    step_ms = media_ms[begins]
    packets = (
        (lengths >= MIN_RUN)
        & (step_ms > 0)
        & (step_ms <= MAX_PACKET_MS)
        & (np.add.reduceat(fullness, begins) / lengths >= LEAST_FULL)
    )
    known = np.maximum.accumulate(np.where(packets, np.arange(len(packets)), -1))
    packet_ms: Floats = np.repeat(np.where(known >= 0, step_ms[known], usual_ms), lengths)
    return packet_ms
