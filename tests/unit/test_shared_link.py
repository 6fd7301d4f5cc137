"""What a record tells of the shared link, from samples of its counters."""

from __future__ import annotations

import pytest

from lab.measure.call.link import note_link
from lab.measure.call.watches import LinkWatch
from lab.measure.record import CallRecord
from lab.wire.links import LinkSample
from lab.wire.shape import FifoKind, Queue, Shape, ShaperKind


def watch(shape: Shape, backlogs: list[int]) -> LinkWatch:
    samples = tuple(
        LinkSample(
            at=100.0 + number / 2,
            bytes=5_000 + number * 62_500,
            packets=10 + number * 50,
            drops=7 + number,
            overlimits=number * 3,
            backlog_bytes=backlog * 1514,
            backlog_packets=backlog,
        )
        for number, backlog in enumerate(backlogs)
    )
    return LinkWatch("server/hosting/out", shape, samples)


def record() -> CallRecord:
    return CallRecord("c", "2026-01-01T00:00:00", "v-tor", "PCMU", "lab", "paper", "kamailio", 1)


def test_counters_are_those_of_the_call_alone() -> None:
    row = record()
    note_link(row, watch(Shape(1_000, Queue(limit=40)), [0, 10, 20, 30, 40]))
    assert (row.link_point, row.link_rate_kbps) == ("server/hosting/out", 1_000)
    assert row.rate_achieved_kbps == pytest.approx(1_000)
    assert (row.link_drops, row.link_overlimits) == (4, 12)
    assert (row.link_backlog_p50_packets, row.link_backlog_max_packets) == (20, 40)
    assert row.link_backlog_p95_packets == pytest.approx(38)
    assert (row.queue_kind, row.queue_packets, row.queue_bytes) == ("htb pfifo", 40, None)


def test_a_queue_in_bytes_has_no_length_in_packets() -> None:
    row = record()
    queue = Queue(ShaperKind.TBF, FifoKind.BFIFO, 30_000)
    note_link(row, watch(Shape(1_000, queue), [0, 1]))
    assert (row.queue_kind, row.queue_packets, row.queue_bytes) == ("tbf bfifo", None, 30_000)


def test_one_sample_makes_no_rate() -> None:
    row = record()
    note_link(row, watch(Shape(1_000), [5]))
    assert (row.rate_achieved_kbps, row.link_drops) == (None, 0)
