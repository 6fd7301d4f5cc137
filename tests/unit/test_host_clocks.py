"""Two hosts' clocks: compared by questions and answers, and what the record says of that."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest
from call_directory import DELAY_MS, call_notes, make_directory, measured

from lab.agents.net.clock import Answerer, ask, read_host
from lab.measure.call.clocks import MAX_OWD_ERROR_MS
from lab.measure.call.notes import CallNotes
from lab.measure.call.watches import HostWatch
from lab.measure.host_clocks import OtherClock, read_clock
from lab.measure.host_load import CpuTimes
from lab.wire.clock import AnswerClock, AskClock, Exchange

HERE = IPv4Address("127.0.0.1")
TOKEN = "5e" * 16
MS = 1_000_000
PROCESSORS = (CpuTimes(0, 0, 0), CpuTimes(1000, 900, 1))


def exchange(at_ms: float, ahead_ms: float, there_ms: float, back_ms: float) -> Exchange:
    """One with a clock that is so far ahead, on a way that takes so long forth and back."""
    came = at_ms + there_ms + ahead_ms
    back = at_ms + there_ms + 0.01 + back_ms
    return Exchange(*(round(time_ms * MS) for time_ms in (at_ms, came, came + 0.01, back)))


def test_the_quickest_exchange_tells_what_the_other_clock_reads() -> None:
    slow, quick = exchange(0, 40, 9, 1), exchange(100, 40, 0.2, 0.1)
    reading = read_clock([slow, quick])
    assert reading is not None
    assert reading.ahead_ns == pytest.approx(40.05 * MS, abs=10)
    assert reading.round_trip_ns == pytest.approx(0.3 * MS, abs=10)
    assert abs(reading.ahead_ns - 40 * MS) <= reading.error_ns
    assert read_clock([]) is None


def test_a_clock_that_runs_fast_is_known_by_two_readings() -> None:
    before, after = (
        read_clock([exchange(0, 5, 0.1, 0.1)]),
        read_clock([exchange(60_000, 11, 0.1, 0.1)]),
    )
    assert before and after
    clock = OtherClock(before, after)
    assert clock.moved_ms == pytest.approx(6, abs=1e-3)
    assert clock.skew_ppm == pytest.approx(100, rel=0.01)
    assert OtherClock(before, before).skew_ppm == 0


def test_a_clock_is_told_to_whom_it_was_to_be_told() -> None:
    answerer = Answerer(AnswerClock(HERE, HERE, TOKEN))
    found = ask(AskClock(HERE, HERE, answerer.port, TOKEN, 5))
    assert len(found) == 5
    for each in found:
        assert each.asked <= each.came <= each.answered <= each.back
    assert ask(AskClock(HERE, HERE, answerer.port, "00" * 16, 1)) == ()
    stranger = Answerer(AnswerClock(HERE, IPv4Address("192.0.2.1"), TOKEN))
    assert ask(AskClock(HERE, HERE, stranger.port, TOKEN, 1)) == ()


def test_nobody_answers_at_an_address_of_another_host() -> None:
    with pytest.raises(OSError, match="assign"):
        Answerer(AnswerClock(IPv4Address("192.0.2.1"), HERE, TOKEN))


def test_processors_are_counted_and_the_kernel_is_named() -> None:
    first, second = read_host(), read_host()
    assert 0 < first.total <= second.total
    assert (first.boot_id, len(first.boot_id)) == (second.boot_id, 36)


def spanning(ahead_ms: float, trip_ms: float = 0.2, moved_ms: float = 0.0) -> CallNotes:
    """A call whose callee is on another host, with a clock so far ahead."""
    notes = call_notes()
    half = trip_ms / 2
    notes.clocks = {**notes.clocks, "caller": "here", "pbx": "here", "callee": "other boot"}
    notes.hosts = (
        HostWatch(
            "other",
            "other boot",
            (exchange(0, ahead_ms, half, half),),
            (exchange(12_000, ahead_ms + moved_ms, half, half),),
            PROCESSORS,
        ),
    )
    return notes


def test_delays_between_two_hosts_are_known_to_half_a_round_trip(tmp_path: Path) -> None:
    notes = spanning(ahead_ms=0.0)
    record = measured(make_directory(tmp_path, notes))
    assert record.valid, record.invalid_reasons
    assert record.spans == "here other"
    assert record.owd_error_ms == pytest.approx(0.1, abs=1e-4)
    assert record.host_rtt_ms == pytest.approx({"other": 0.2}, abs=1e-4)
    assert record.callee_owd_ms_p50 == pytest.approx(DELAY_MS, abs=0.01)
    assert record.caller_owd_ms_p50 == pytest.approx(DELAY_MS, abs=0.01)


def test_what_a_clock_is_ahead_is_taken_off_one_way_and_added_the_other(tmp_path: Path) -> None:
    record = measured(make_directory(tmp_path, spanning(ahead_ms=2.0)))
    assert record.callee_owd_ms_p50 == pytest.approx(DELAY_MS - 2, abs=0.01)
    assert record.caller_owd_ms_p50 == pytest.approx(DELAY_MS + 2, abs=0.01)
    assert record.host_ahead_ms == pytest.approx({"other": 2.0}, abs=1e-4)


def test_a_clock_that_cannot_be_right_makes_the_call_invalid(tmp_path: Path) -> None:
    record = measured(make_directory(tmp_path, spanning(ahead_ms=9.0)))
    [reason] = record.invalid_reasons
    assert reason == "a packet reached the callee 4.0 ms before it was sent"


def test_hosts_too_far_apart_make_the_call_invalid(tmp_path: Path) -> None:
    trip_ms = 2 * MAX_OWD_ERROR_MS + 1
    record = measured(make_directory(tmp_path, spanning(0.0, trip_ms=trip_ms)))
    [reason] = record.invalid_reasons
    assert reason == (
        "one-way delay, whose ends are on two hosts, is exact to ± 5.5 ms only > 5 ms"
    )


def test_a_clock_that_was_set_makes_the_call_invalid(tmp_path: Path) -> None:
    record = measured(make_directory(tmp_path, spanning(0.0, moved_ms=8.0)))
    assert not record.valid
    assert (
        "the clock of host other was set during the call: by +8 ms against this host's"
        in record.invalid_reasons
    )


def test_a_clock_that_was_not_compared_makes_the_call_invalid(tmp_path: Path) -> None:
    notes = spanning(0.0)
    notes.hosts = (HostWatch("other", "other boot", (), (), PROCESSORS),)
    record = measured(make_directory(tmp_path, notes))
    assert record.owd_error_ms is None
    assert record.invalid_reasons == [
        "the clock of host other was not compared before and after the call"
    ]


def test_the_busiest_host_is_the_one_that_counts(tmp_path: Path) -> None:
    notes = spanning(0.0)
    busy = (CpuTimes(0, 0, 0), CpuTimes(1000, 20, 0))
    watch = notes.hosts[0]
    notes.hosts = (HostWatch(watch.host, watch.clock, watch.before, watch.after, busy),)
    record = measured(make_directory(tmp_path, notes))
    assert record.cpu_pct == pytest.approx(98)
    assert record.invalid_reasons == ["the host's CPU 98 % > 95 %"]
