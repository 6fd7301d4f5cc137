"""What makes a cap or a clock doubtful, from samples and delays alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import count

import numpy as np
import pytest

from lab.agents.probe.timer import LatenessTimer
from lab.measure.call.link import cap_faults
from lab.measure.call.streams import clock_faults
from lab.measure.call.watches import LinkWatch
from lab.measure.delay import SHARED_CLOCK, PacketDelays
from lab.shaping.sampling import INTERVAL_S
from lab.wire.links import LinkSample
from lab.wire.shape import Shape


def watch(carried_kbps: float, backlogs: Sequence[int], cap_kbps: int | None = 10_000) -> LinkWatch:
    """A link that carried so much all the time, with these backlogs at the samples."""
    samples = tuple(
        LinkSample(
            at=n * INTERVAL_S,
            bytes=round(n * INTERVAL_S * carried_kbps * 125),
            packets=0,
            drops=0,
            overlimits=0,
            backlog_bytes=0,
            backlog_packets=backlog,
        )
        for n, backlog in enumerate(backlogs)
    )
    return LinkWatch("server/hosting/out", Shape(cap_kbps), samples)


@pytest.mark.parametrize(
    ("carried_kbps", "backlogs"),
    [
        (9_990, [100] * 60),
        (7_000, [0] * 60),
        (6_900, [0, 5, 9] * 20),
        (5_000, [0, 1] * 10),
    ],
    ids=["full", "never waited for", "busy two thirds of the time", "chance of few samples"],
)
def test_a_cap_that_sends_at_its_rate_while_packets_wait_is_no_fault(
    carried_kbps: float, backlogs: list[int]
) -> None:
    assert cap_faults(watch(carried_kbps, backlogs)) == []


def test_more_than_the_cap_is_a_fault() -> None:
    assert cap_faults(watch(10_400, [0] * 60)) == [
        "10400 kbit/s passed the cap of 10000 kbit/s at server/hosting/out"
    ]


def test_less_than_the_cap_is_a_fault_where_packets_waited() -> None:
    (fault,) = cap_faults(watch(8_000, [20] * 60))
    assert fault.endswith("at server/hosting/out, where packets waited 100 % of the time")
    assert cap_faults(watch(4_000, [20, 20, 0] * 20))


def test_where_there_is_no_cap_nothing_is_a_fault() -> None:
    assert cap_faults(watch(50_000, [20] * 60, cap_kbps=None)) == []


def test_samples_do_not_follow_the_beat_of_a_voice() -> None:
    moments = {round(n * INTERVAL_S * 1000) % 20 for n in range(20)}
    assert moments == set(range(20))


def delays(*delay_ms: float) -> PacketDelays:
    sent = np.arange(len(delay_ms), dtype=np.int64)
    return PacketDelays(sent, np.array(delay_ms), len(sent), len(sent), "number", SHARED_CLOCK)


def test_no_packet_arrives_before_it_was_sent() -> None:
    assert clock_faults("callee", delays(0.4, -0.2, 3.0)) == []
    assert clock_faults("callee", delays()) == []
    assert clock_faults("callee", delays(0.4, -12.25, 3.0)) == [
        "a packet reached the callee 12.2 ms before it was sent"
    ]


def test_a_clock_that_is_set_meanwhile_is_seen() -> None:
    readings = count()

    def set_at_every_second_reading_ns() -> int:
        return time.time_ns() + (next(readings) % 2) * 40_000_000

    for clock, shift_ms in ((time.time_ns, 0), (set_at_every_second_reading_ns, 40)):
        timer = LatenessTimer(clock)
        time.sleep(0.1)
        assert timer.stop().clock_shift_ms == pytest.approx(shift_ms, abs=1)
