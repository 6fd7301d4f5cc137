"""The shared link during a call: its cap, what it carried, how long its queue was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict

from lab.calls.emulation_check import cap_doubts
from lab.calls.observe.observer import Observer
from lab.calls.workspace import Workspace
from lab.measure.record import CallRecord
from lab.shaping.cap import LinkPoint
from lab.shaping.helpers import LinkHelpers
from lab.shaping.sampling import LinkWatch, sampled
from lab.wire.shape import FifoKind


def link_observer(helpers: LinkHelpers, points: Sequence[LinkPoint]) -> Observer:
    """Watches `points` during a call; the slowest of them is the call's shared link."""

    def observe(record: CallRecord, workspace: Workspace) -> AbstractContextManager[None]:
        return _observing(helpers, points, record, workspace)

    return observe


@contextmanager
def _observing(
    helpers: LinkHelpers, points: Sequence[LinkPoint], record: CallRecord, workspace: Workspace
) -> Iterator[None]:
    watches: list[LinkWatch] = []
    try:
        with sampled(helpers, points) as watches:
            yield
    finally:
        # Of a call that fails, too, this was measured.
        _keep(watches, record, workspace)


def _keep(watches: Sequence[LinkWatch], record: CallRecord, workspace: Workspace) -> None:
    plain = [
        {
            "point": str(watch.point),
            "shape": watch.shape.plain,
            "samples": [asdict(sample) for sample in watch.samples],
        }
        for watch in watches
    ]
    (workspace.host / "links.json").write_text(json.dumps(plain, indent=1), encoding="utf-8")
    capped = [watch for watch in watches if watch.shape.rate_kbps is not None]
    if capped:
        note_link(record, min(capped, key=lambda watch: watch.shape.rate_kbps or 0))


def note_link(record: CallRecord, watch: LinkWatch) -> None:
    """Write the shared link into the record."""
    queue = watch.shape.queue
    counts_packets = queue.fifo is FifoKind.PFIFO
    record.link_point = str(watch.point)
    record.link_rate_kbps = watch.shape.rate_kbps
    record.queue_kind = f"{queue.kind} {queue.fifo}"
    record.queue_packets = queue.limit if counts_packets else None
    record.queue_bytes = None if counts_packets else queue.limit
    record.rate_achieved_kbps = watch.rate_kbps
    record.link_busy_pct = 100 * watch.busy_share
    record.link_drops = watch.drops
    record.link_overlimits = watch.overlimits
    record.link_backlog_p50_packets = watch.backlog_packets(50)
    record.link_backlog_p95_packets = watch.backlog_packets(95)
    record.link_backlog_max_packets = int(watch.backlog_packets(100))
    record.invalid_reasons += cap_doubts(watch)
