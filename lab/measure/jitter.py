"""Interarrival jitter: RFC 3550, 6.4.1 and A.8, as a running estimate."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import accumulate

import numpy as np

from lab.measure.capture import Floats
from lab.measure.octets import Flags
from lab.measure.percentiles import mean, percentiles, std_dev
from lab.measure.rtp import Stream


@dataclass(frozen=True, slots=True)
class JitterSummary:
    """Statistics over all values of the running estimate, ms (the second study's columns)."""

    mean: float
    median: float
    max: float
    range: float
    iqr: float
    std_dev: float

    def to_dict(self) -> dict[str, float]:
        """The six values by name."""
        return asdict(self)


def running_jitter(stream: Stream) -> Floats:
    """The running RFC 3550 jitter after each packet in order of arrival, ms.

    `J += (|D| - J) / 16`, where D is the difference of two packets' transit times; the first
    value is 0. Where the sender began anew, D is not defined and taken as 0; telephone events,
    whose timestamps stand still, leave J as it is.
    """
    arrival_ms = (stream.time_ns - stream.time_ns[0]) / 1e6
    return running(arrival_ms - stream.media_ms, stream)


def running(transit: Floats, stream: Stream) -> Floats:
    """The running estimate from each packet's arrival less media time, any unit."""
    media = stream.media
    if media.all():
        return smoothed(_differences(transit, stream.restart))
    smooth = smoothed(_differences(transit[media], stream.restart[media]))
    jitter = np.zeros(len(transit))
    place = np.cumsum(media) - 1
    known = place >= 0
    jitter[known] = smooth[place[known]]
    return jitter


def _differences(transit: Floats, restart: Flags) -> Floats:
    difference = np.zeros(len(transit))
    np.abs(transit[1:] - transit[:-1], out=difference[1:])
    difference[restart] = 0.0
    return difference


def smoothed(difference: Floats) -> Floats:
    """The running estimate `J += (|D| - J) / 16` over absolute transit differences, any unit.

    The first difference stands for the first packet, which has none, and is 0.
    """
    return np.array(list(accumulate(difference.tolist(), lambda j, d: j + (d - j) / 16)))


def summary(jitter_ms: Floats) -> JitterSummary:
    """Mean, median, maximum, range, interquartile range and standard deviation, ms.

    Quartiles by linear interpolation, standard deviation with n - 1, as the second study's.
    """
    lower, median, upper = percentiles(jitter_ms, (25, 50, 75))
    greatest, least = float(jitter_ms.max()), float(jitter_ms.min())
    return JitterSummary(
        mean=mean(jitter_ms),
        median=median,
        max=greatest,
        range=greatest - least,
        iqr=upper - lower,
        std_dev=std_dev(jitter_ms),
    )
