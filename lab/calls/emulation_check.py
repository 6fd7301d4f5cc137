"""Whether the emulation held at the shared link and on the clock, from what was measured there."""

from __future__ import annotations

from math import sqrt

from lab.measure.delay import PacketDelays
from lab.shaping.sampling import LinkWatch

MOST_ABOVE_CAP = 0.02
"""What a cap lets through beyond its rate: htb may send 1 ms' worth at once, and the counters
are read some milliseconds from the times that are noted for them."""
MOST_BELOW_CAP = 0.03
SAMPLING_SIGMAS = 3.0
"""How much of the busy share may be chance: its standard error, for so many samples, times this."""
EARLIEST_MS = -1.0
"""No packet arrives before it was sent. A Mumble client notes the time beside the sending, and
may lose its processor in between; captures on one clock are exact."""


def cap_doubts(watch: LinkWatch) -> list[str]:
    """Why the cap was not what it is configured to be; empty where it was, or where there is none.

    While packets wait at a cap it must send at its rate, so over the whole watch at least that
    rate times the share of the time in which packets waited; and never more than the rate.
    """
    configured_kbps, achieved_kbps = watch.shape.rate_kbps, watch.rate_kbps
    if configured_kbps is None or achieved_kbps is None:
        return []
    busy = watch.busy_share
    chance = SAMPLING_SIGMAS * sqrt(busy * (1 - busy) / len(watch.samples))
    told = f"{achieved_kbps:.0f} kbit/s passed the cap of {configured_kbps} kbit/s"
    if achieved_kbps > configured_kbps * (1 + MOST_ABOVE_CAP):
        return [f"{told} at {watch.point}"]
    if achieved_kbps < configured_kbps * (busy - chance - MOST_BELOW_CAP):
        return [f"{told} at {watch.point}, where packets waited {100 * busy:.0f} % of the time"]
    return []


def clock_doubts(end: str, delays: PacketDelays) -> list[str]:
    """Why the two ends of a stream did not share one clock; empty where they did."""
    earliest_ms = delays.percentile_ms(0)
    if earliest_ms is None or earliest_ms >= EARLIEST_MS:
        return []
    return [f"a packet reached the {end} {-earliest_ms:.1f} ms before it was sent"]
