"""Competing traffic: how it is written, when it runs, what is noted of it."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2 import DiagSocket

from lab.agents.load import calls as background_calls
from lab.agents.load import sipp
from lab.agents.load.arrivals import Arrivals, Peer
from lab.agents.load.calls import SILENT_S, Calls, received_by_device
from lab.agents.load.streams import all_flow, all_take_turns, has_settled
from lab.agents.load.transfers import destination, established, wget_command
from lab.agents.net.sockets import sockets_in
from lab.engine.agent import Agent, AgentFailedError
from lab.errors import UsageError
from lab.load.load import Load
from lab.load.notation import parse_load
from lab.load.spec import LoadSpec
from lab.measure.call.fidelity import judge
from lab.measure.call.load import note_load
from lab.measure.call.watches import LoadWatch
from lab.measure.goodput import goodput, jain_index
from lab.measure.record import CallRecord
from lab.wire.load import (
    CallEnds,
    Death,
    Lateness,
    LoadReport,
    MakeCalls,
    Running,
    Sample,
    Take,
    Transfer,
    TunnelClient,
)
from lab.wire.messages import Event, Failed

TCP_TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0410000A:8F2A 0314000A:1F90 01 00000000:00000000 00:00000000 00000000 10001        0 1 1
   1: 0410000A:8F2C 0314000A:1F90 02 00000000:00000000 00:00000000 00000000 10001        0 2 1
   2: 0410000A:8F2E 0314000A:1F91 01 00000000:00000000 00:00000000 00000000 10001        0 3 1
   3: 0100007F:C350 0100007F:235A 01 00000000:00000000 00:00000000 00000000 10001        0 4 1
"""
UDP_TABLE = """\
   sl local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode drops
12299: 00000000:EE48 00000000:0000 07 00000000:00000600 00:00000000 00000000 10001 0 1 2 0 913
13299: 00000000:A028 00000000:0000 07 00000000:00034000 00:00000000 00000000 10001 0 2 2 0 161
"""
DEVICES = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop
    lo:     100       1    0    0    0     0          0         0      100       1    0    0
 load0:   20000     100    0    0    0     0          0         0    20200     101    0    0
load10:   40000     200    0    0    0     0          0         0    20200     101    0    0
"""


def watched(report: LoadReport, count: int) -> LoadWatch:
    """What a call's notes hold of competing traffic."""
    return LoadWatch("wget", count, "direct", "down", (), died_before=0, report=report)


def record() -> CallRecord:
    return CallRecord("c", "2026-01-01T00:00:00", "v-tor", "PCMU", "lab", "paper", "kamailio", 1)


ORDER = Transfer(5, "http://10.0.20.3:8080/x", upload=None, socks_port=None, spacing_s=0.05)
THROUGH_TOR = replace(ORDER, socks_port=9050)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("wget:20", LoadSpec("wget", 20, "direct")),
        ("wget:85:tor", LoadSpec("wget", 85, "tor")),
        ("voip:5:tor", LoadSpec("voip", 5, "tor")),
        ("mumble:30:tor", LoadSpec("mumble", 30, "tor")),
    ],
)
def test_loads_as_they_are_written(text: str, spec: LoadSpec) -> None:
    assert parse_load(text) == spec


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *[
            (text, "is not a load")
            for text in ("", "wget", "wget:", "wget:x", "wget:5:vpn", "wget:-1")
        ],
        ("curl:5", "no kind of load 'curl'"),
        ("none:5", "no kind of load 'none'"),
        ("wgte:5", "did you mean 'wget'"),
        ("wget:1001", "at most 1000 wget can be had at once, not 1001"),
        ("voip:251:tor", "at most 250 voip can be had through Tor, not 251"),
    ],
)
def test_what_is_no_load(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_load(text)


def test_connections_are_counted_by_whom_they_go_to() -> None:
    assert established(sockets_in(TCP_TABLE), *destination(ORDER)) == 1, (
        "one of the two is only opening"
    )
    assert established(sockets_in(TCP_TABLE), *destination(THROUGH_TOR)) == 1


def test_wget_never_tries_again_and_takes_a_circuit_of_its_own_through_tor() -> None:
    direct = wget_command(ORDER)
    assert direct[0] == "wget"
    assert "--tries=1" in direct
    through_tor = wget_command(THROUGH_TOR)
    assert through_tor[:4] == ["torsocks", "--isolate", "--port", "9050"]
    assert "--post-file=/tmp/upload" in wget_command(
        replace(ORDER, upload=PurePosixPath("/tmp/upload"))
    )


def test_voice_is_counted_though_nobody_reads_it() -> None:
    assert sipp.received_packets(UDP_TABLE) == 913 + 2, "dropped, and waiting in the buffer"
    assert sipp.received_packets(UDP_TABLE.replace("EE48", "EE49")) == 0
    assert received_by_device(DEVICES, ["load0", "load10", "load2"]) == [100, 200, 0]


def steady(rates: list[int], samples: int = 9, connected: int | None = None) -> list[Sample]:
    count = len(rates) if connected is None else connected
    return [Sample(at, count, tuple(rate * at for rate in rates)) for at in range(samples)]


def test_a_load_runs_when_all_are_connected_and_flow_steadily() -> None:
    assert all_flow(steady([10, 12, 8]), 3)
    assert has_settled(steady([10, 12, 8]))
    assert not all_flow(steady([10, 12, 8], connected=2), 3)
    assert not all_flow(steady([10, 12, 0]), 3), "one does not flow"
    assert not all_flow(steady([10, 12, 8], samples=8), 3), "not long enough"
    growing = [Sample(at, 2, (at * at, at * at)) for at in range(9)]
    assert not has_settled(growing), "the sum still grows"


class Connections:
    """Stands for the kernel's table of sockets."""

    def __init__(self) -> None:
        self.received: dict[Peer, int] = {}

    def get_sock_stats(self, **_: object) -> list[SocketEntry]:
        return [SocketEntry(peer, received) for peer, received in self.received.items()]


class SocketEntry(dict[str, object]):
    def __init__(self, peer: Peer, received: int) -> None:
        super().__init__(idiag_sport=8080, idiag_dst=peer[0], idiag_dport=peer[1])
        self._received = received

    def get_attr(self, name: str) -> dict[str, int]:
        assert name == "INET_DIAG_INFO"
        return {"tcpi_bytes_received": self._received}


def test_a_connection_that_an_earlier_load_left_is_no_upload_of_this_one() -> None:
    """Its end may have been lost on a full link; its server knows nothing of that."""
    kernel = Connections()
    kernel.received = {("10.0.0.4", 1000): 77}
    arrivals = Arrivals(cast(DiagSocket, kernel), count=2, port=8080)
    assert (arrivals.connected(), arrivals.counted_bytes()) == (0, [])
    kernel.received |= {("10.0.0.4", 1001): 5}
    assert (arrivals.connected(), arrivals.counted_bytes()) == (1, [5])
    del kernel.received["10.0.0.4", 1000]
    assert arrivals.counted_bytes() == [5]
    kernel.received |= {("10.0.0.4", 1000): 3}
    assert (arrivals.connected(), arrivals.counted_bytes()) == (2, [5, 3]), "a new one, same port"


def test_a_stream_that_is_counted_late_had_carried_nothing() -> None:
    late = [Sample(at, 2, (at,) if at < 3 else (at, at)) for at in range(9)]
    assert all_flow(late, 2)
    assert all_take_turns(late, 2)


def test_streams_that_take_turns_run_too() -> None:
    turns = [Sample(at, 2, (10 * min(at, 4), 10 * max(0, at - 4))) for at in range(9)]
    assert not all_flow(turns, 2), "each pauses in one window"
    assert all_take_turns(turns, 2)
    assert not all_take_turns(turns, 3), "one is not connected"
    assert not all_take_turns(steady([10, 0]), 2), "one has carried nothing yet"
    standing = [Sample(at, 2, (10 * min(at, 4),) * 2) for at in range(9)]
    assert not all_take_turns(standing, 2), "nothing flows any more"


def test_goodput_is_what_came_between_first_and_last_sample() -> None:
    found = goodput(
        [Sample(10.0, 2, (0, 1000)), Sample(11.0, 2, (400, 1500)), Sample(12.0, 2, (1000, 5000))]
    )
    assert found is not None
    assert found.streams_kbps.tolist() == [4.0, 16.0]
    assert (found.sum_kbps, found.min_kbps, found.max_kbps) == (20.0, 4.0, 16.0)
    assert goodput([Sample(10.0, 2, (5, 6))]) is None


def test_a_stream_that_was_seen_later_had_carried_nothing_before() -> None:
    found = goodput([Sample(0.0, 1, (1000,)), Sample(1.0, 2, (2000, 500))])
    assert found is not None
    assert found.streams_kbps.tolist() == [8.0, 4.0]


def test_jain_is_one_for_equal_shares_and_one_nth_for_one_alone() -> None:
    assert jain_index([3.0, 3.0, 3.0]) == pytest.approx(1)
    assert jain_index([9.0, 0.0, 0.0]) == pytest.approx(1 / 3)
    assert math.isnan(jain_index([0.0, 0.0]))


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=50))
def test_jain_stays_between_one_nth_and_one(rates: list[float]) -> None:
    assert 1 / len(rates) - 1e-9 <= jain_index(np.array(rates)) <= 1 + 1e-9


def test_a_record_tells_what_the_load_got() -> None:
    row = record()
    note_load(row, watched(LoadReport((Sample(0.0, 2, (0, 0)), Sample(1.0, 2, (1000, 3000)))), 2))
    assert (row.load_goodput_kbps_mean, row.load_goodput_kbps_min) == (16.0, 8.0)
    assert (row.load_goodput_kbps_max, row.load_died) == (24.0, 0)
    assert row.load_jain == pytest.approx(0.8)
    assert row.invalid_reasons == []


def test_of_streams_counted_together_only_the_mean_is_known() -> None:
    row = record()
    note_load(row, watched(LoadReport((Sample(0.0, 5, (0,)), Sample(1.0, 5, (5000,)))), 5))
    assert row.load_goodput_kbps_mean == 8.0
    assert (row.load_goodput_kbps_min, row.load_goodput_kbps_max, row.load_jain) == (None,) * 3


class FakeAgent:
    """Answers `Take` with what a test says, after what it had told before."""

    def __init__(self, report: LoadReport, *before: Event) -> None:
        self._events = [*before, report]
        self._report = report

    def send(self, order: object) -> None:
        assert order == Take()

    def receive(self, timeout_s: float) -> Event:
        event = self._events.pop(0) if self._events else self._report
        if isinstance(event, Failed):
            raise AgentFailedError("agent", event.reason)
        return event


def test_of_paced_calls_is_told_what_came_of_what_was_sent_and_how_late_it_left() -> None:
    death = Death(1, 0.5, "peer left")
    near = FakeAgent(LoadReport((), (death,), 9, Lateness(3.0, 40.0)), Failed("peer left"))
    samples = Sample(0.0, 2, (100, 100)), Sample(1.0, 2, (600, 500))
    far = FakeAgent(LoadReport(samples, (), 7, Lateness(None, 90.0)), Running(3.0))
    up = Load(LoadSpec("mumble", 2, "tor", "up"), cast(Agent, near), cast(Agent, far))
    assert up.take().sent_bytes is None
    up = Load(LoadSpec("mumble", 2, "tor", "up"), *(cast(Agent, a) for a in (near, far, near)))
    report = up.take()
    assert report == LoadReport(samples, (death,), 9, Lateness(3.0, 90.0))
    row = record()
    note_load(row, watched(replace(report, sent_bytes=1000, died=()), 2))
    assert row.load_delivered_pct == 90.0
    assert (row.load_pacing_ms_p99, row.load_pacing_ms_max) == (3.0, 90.0)


def test_competitors_that_kept_no_pace_make_the_call_invalid() -> None:
    row = record()
    row.status, row.load_pacing_ms_p99 = "ok", 41.0
    judge(row)
    assert "competing senders' pace, 99th percentile 41 ms > 40 ms" in row.invalid_reasons


def test_a_stream_that_died_makes_the_call_invalid() -> None:
    samples = Sample(0.0, 2, (0, 0)), Sample(1.0, 1, (1000, 0))
    row = record()
    note_load(row, watched(LoadReport(samples, (Death(1, 0.5, "Connection reset by peer"),)), 2))
    assert row.load_died == 1
    assert row.invalid_reasons == [
        "1 of 2 competing streams died: stream 1: Connection reset by peer"
    ]


def test_a_stream_that_lost_its_connection_makes_the_call_invalid() -> None:
    row = record()
    note_load(row, watched(LoadReport((Sample(0.0, 2, (0, 0)), Sample(1.0, 1, (1000, 1000)))), 2))
    assert row.invalid_reasons == ["only 1 of 2 competing streams were connected"]


def test_a_load_that_carried_nothing_during_the_call_makes_it_invalid() -> None:
    row = record()
    still = Sample(0.0, 2, (700, 900)), Sample(1.0, 2, (700, 900))
    note_load(row, watched(LoadReport(still), 2))
    assert row.load_goodput_kbps_mean == 0
    (reason,) = row.invalid_reasons
    assert reason.endswith("carried nothing during the call")


def test_a_competing_call_is_silent_only_after_it_was_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of fifty calls the last begins when the first has been on for seconds."""
    received = [7, 7]
    monkeypatch.setattr(background_calls, "received_by_device", lambda *_: list(received))
    tunnels = (TunnelClient("load0", {}), TunnelClient("load1", {}))
    ends = (CallEnds(IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")),) * 2
    calls = Calls(MakeCalls(ends, 0.1, tunnels), tmp_path, [])
    calls.counted_bytes()
    received[0] += 1
    calls.counted_bytes()
    assert calls.deaths(time.time()) == []
    (death,) = calls.deaths(time.time() + SILENT_S + 1)
    assert death.stream == 0
