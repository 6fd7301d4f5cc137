"""A profile as if no socket on its way had held small segments back: a model.

Packets that came in one burst waited for one another. What waits for a burst is taken to be
Nagle's algorithm, only where the arrivals say so (`lab.measure.arrivals`: steady bursts): then
each packet of a burst gets the delay of the one that was sent last in it, which waited least.
Floods are left as they are, since TCP repaired a loss there. What that last packet itself waited,
for an acknowledgement, nothing shows: no more of Nagle's delay is taken out than can be seen.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lab.errors import LabError
from lab.measure.arrivals import STEADY, diagnose, in_floods
from lab.measure.bursts import first_packets
from lab.measure.codecs import Codec
from lab.measure.made_stream import made_stream
from lab.measure.pcap import Ints
from lab.measure.profile import Profile, VoiceWay
from lab.measure.rtp import Stream

WAYS = ("to_callee", "to_caller")


def without_bursts(profile: Profile) -> Profile:
    """The profile without the waiting for steady bursts, in whichever direction has them.

    LabError where neither has, or where they were taken out already.
    """
    if profile.without_bursts:
        raise LabError("the bursts of this profile were taken out already")
    to_callee, to_caller = unburst(profile.to_callee), unburst(profile.to_caller)
    if to_callee is None and to_caller is None:
        raise LabError(
            "there is nothing to take out: the voice came in steady bursts in neither direction",
            "`lab rtp CAPTURE` says what its arrivals are the marks of.",
        )
    return replace(
        profile,
        to_callee=to_callee or profile.to_callee,
        to_caller=to_caller or profile.to_caller,
        without_bursts=tuple(
            name for name, way in zip(WAYS, (to_callee, to_caller), strict=True) if way
        ),
    )


def unburst(way: VoiceWay) -> VoiceWay | None:
    """One direction without the waiting for bursts; None where it has no steady ones.

    Losses stay. No packet arrives later than it did, and none overtakes another that it had not
    overtaken.
    """
    came, sent, received = _streams(way)
    if STEADY not in diagnose(received, sent).kinds:
        return None
    at_us = np.array(way.at_us, np.int64)[came]
    arrival_us = received.time_ns // 1000
    begins = first_packets(received.time_ns)
    ends = np.append(begins[1:], len(came))
    kept = in_floods(received, sent)
    sooner_us = arrival_us.copy()
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        if end - begin > 1 and not kept[begin:end].any():
            last = begin + int(np.argmax(at_us[begin:end]))
            delay_us = arrival_us[last] - at_us[last]
            sooner_us[begin:end] = np.minimum(arrival_us[begin:end], at_us[begin:end] + delay_us)
    # A burst that waited longer than the next is not overtaken by it.
    sooner_us = np.minimum(arrival_us, np.maximum.accumulate(sooner_us))
    takes: list[int | None] = [None] * len(way.at_us)
    for packet, delay_us in zip(came.tolist(), (sooner_us - at_us).tolist(), strict=True):
        takes[packet] = delay_us
    return replace(way, takes_us=tuple(takes))


def _streams(way: VoiceWay) -> tuple[Ints, Stream, Stream]:
    """Which packets came, in order of arrival; the stream as it was sent, and as it came."""
    at_us = np.array(way.at_us, np.int64)
    arrival_us = at_us + np.array([-1 if t is None else t for t in way.takes_us], np.int64)
    lost = np.array([takes is None for takes in way.takes_us])
    came = np.flatnonzero(~lost)
    came = came[np.argsort(arrival_us[came], kind="stable")]
    number = np.arange(len(at_us))
    media_ms = np.round(at_us / 1000 / way.ptime_ms) * way.ptime_ms
    codec = Codec(way.codec, 8000)
    sent = made_stream(codec, 1000 * at_us, number, media_ms)
    return came, sent, made_stream(codec, 1000 * arrival_us[came], came, media_ms[came])
