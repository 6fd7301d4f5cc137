"""What the competing traffic got during a call."""

from __future__ import annotations

import numpy as np

from lab.measure.call.watches import LoadWatch
from lab.measure.goodput import goodput
from lab.measure.record import CallRecord


def note_load(record: CallRecord, load: LoadWatch) -> None:
    """Write what the streams got during the call into its record.

    A stream that died makes the call invalid: it did not compete with what was asked for.
    """
    report, count = load.report, load.count
    record.load_kind, record.load_count, record.load_through = load.kind, count, load.through
    record.load_died = load.died_before + len(report.died)
    record.load_retried = report.retried
    record.load_established_min = min((one.connected for one in report.samples), default=None)
    if found := goodput(report.samples):
        record.load_goodput_kbps_mean = found.sum_kbps / count
        if len(found.streams_kbps) == count:
            record.load_goodput_kbps_min = found.min_kbps
            record.load_goodput_kbps_max = found.max_kbps
            record.load_jain = None if np.isnan(found.jain) else found.jain
        if report.sent_bytes:
            first, last = report.samples[0], report.samples[-1]
            came = sum(last.carried_bytes) - sum(first.carried_bytes)
            record.load_delivered_pct = 100 * came / report.sent_bytes
    if report.lateness is not None:
        record.load_pacing_ms_p99 = report.lateness.p99_ms
        record.load_pacing_ms_max = report.lateness.max_ms
    record.invalid_reasons += load_faults(record, load)


def load_faults(record: CallRecord, load: LoadWatch) -> list[str]:
    """Why the call did not compete with what was asked for; empty where it did."""
    if record.load_died:
        first = load.report.died[0] if load.report.died else None
        words = f": stream {first.stream}: {first.reason}" if first else ""
        return [f"{record.load_died} of {load.count} competing streams died{words}"]
    connected = record.load_established_min
    if connected is not None and connected < load.count:
        return [f"only {connected} of {load.count} competing streams were connected"]
    if load.report.samples and record.load_goodput_kbps_mean == 0:
        return [f"the competing traffic ({load.kind}) carried nothing during the call"]
    return []
