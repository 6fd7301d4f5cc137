"""The shared link during a call: its cap, what it carried, how long its queue was."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from lab.measure.call.shapes import changed_shape
from lab.measure.call.watches import LinkWatch
from lab.measure.record import CallRecord
from lab.wire.shape import FifoKind

MOST_ABOVE_CAP = 0.02
"""What a cap lets through beyond its rate: htb may send 1 ms' worth at once, and the counters
are read some milliseconds from the times that are noted for them."""
MOST_BELOW_CAP = 0.03
SAMPLING_SIGMAS = 3.0
"""How much of the busy share may be chance: its standard error, for so many samples, times this."""


def note_links(record: CallRecord, watches: Sequence[LinkWatch]) -> None:
    """Write the shared link into the record: the slowest of those that were watched."""
    capped = [watch for watch in watches if watch.shape.rate_kbps is not None]
    if capped:
        note_link(record, min(capped, key=lambda watch: watch.shape.rate_kbps or 0))


def note_link(record: CallRecord, watch: LinkWatch) -> None:
    """Write one link into the record as the call's shared one."""
    queue = watch.shape.queue
    counts_packets = queue.fifo is FifoKind.PFIFO
    record.link_point = watch.point
    record.link_rate_kbps = watch.shape.rate_kbps
    record.queue_kind = f"{queue.kind} {queue.fifo}"
    record.queue_packets = queue.limit if counts_packets else None
    record.queue_bytes = None if counts_packets else queue.limit
    record.rate_achieved_kbps = watch.rate_kbps
    record.link_busy_pct = 100 * watch.busy_share
    record.link_drops = watch.drops
    record.link_overlimits = watch.overlimits
    record.link_backlog_p50_packets = _backlog(watch, 50)
    record.link_backlog_p95_packets = _backlog(watch, 95)
    record.link_backlog_max_packets = int(_backlog(watch, 100))
    record.invalid_reasons += cap_faults(watch) + _shape_faults(watch)


def cap_faults(watch: LinkWatch) -> list[str]:
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


def _shape_faults(watch: LinkWatch) -> list[str]:
    """Why the link did not keep the shape with which the call began, whoever changed it."""
    after = watch.shape_after
    if after is None or after == watch.shape:
        return []
    return [changed_shape(watch.point, watch.shape, after)]


def _backlog(watch: LinkWatch, percentile: float) -> float:
    """A percentile of the queue's sampled length, packets."""
    lengths = [sample.backlog_packets for sample in watch.samples]
    return float(np.percentile(lengths, percentile))
