"""A live capture from its beginning to each of its ends; a stand-in takes tcpdump's place."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from capturable_lab import lab_of
from docker import DockerClient
from docker.errors import NotFound
from forged_packets import Frame, voice
from stand_in_tcpdump import FAILS, FLOODS, StandIn

from lab.capturing import live
from lab.capturing.live import Captured, Until, capture
from lab.capturing.place import Place
from lab.capturing.sinks import LineSink, PcapSink, Sink, opening
from lab.engine.discovery import RunningNode
from lab.errors import LabError
from lab.interruption import heeding_signals
from lab.lifecycle.ready import ReadyLab
from lab.measure.capture import read_capture
from lab.wire.pcap_stream import HEADER_BYTES

PLACE = Place("callee", "caller", "lo", None)
FIRST, LAST = voice(5), voice(2, first_sequence=2000)
NEVER = Until()
ENDS_WITHIN_S = 10.0


class Engine:
    """A Docker that has one container, which ends when it is told to."""

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        self.api = self
        self.ended = threading.Event()
        self._state = state

    def wait(self, container_id: str, timeout: float | None) -> dict[str, int]:
        assert (container_id, timeout) == ("c1", None)
        self.ended.wait()
        return {"StatusCode": 137}

    def inspect_container(self, _container_id: str) -> dict[str, Any]:
        if self._state is None:
            raise NotFound("no such container")
        return {"State": self._state}


def lab_with(state: str) -> ReadyLab:
    return lab_of("paper", RunningNode("caller", "endpoint", "c1", state, None))


LAB = lab_with("running")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STOP_PATIENCE_S", 1.0)
    monkeypatch.setattr(live, "NOTICED_WITHIN_S", 1.0)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., StandIn]:
    """Have captures capture this."""

    def prepared(first: list[Frame], last: list[Frame], *faults: str) -> StandIn:
        directory = tmp_path / "stand-in"
        directory.mkdir()
        tcpdump = StandIn(directory, first, last, *faults)
        monkeypatch.setattr(live, "start_live_capture", lambda *_: tcpdump.agent(4))
        return tcpdump

    return prepared


def captured(
    sink: Sink,
    began: Callable[[], object] = lambda: None,
    until: Until = NEVER,
    engine: Engine | None = None,
) -> Captured:
    """What a capture into `sink` came to, and that it soon did; `began` as a thread."""
    started = time.monotonic()
    meanwhile = threading.Thread(target=began, daemon=True)
    client = cast(DockerClient, engine or Engine())
    with heeding_signals(even_if_ignored=True):
        came_to = capture(client, LAB, PLACE, "", sink, until, meanwhile.start)
    assert time.monotonic() - started < ENDS_WITHIN_S
    return came_to


def file_sink(path: Path) -> PcapSink:
    return PcapSink(str(path), opening(path))


def signalled(number: signal.Signals) -> Callable[[], None]:
    """Sends a signal, after a while."""

    def send() -> None:
        time.sleep(0.3)
        os.kill(os.getpid(), number)

    return send


@contextmanager
def pipe() -> Iterator[tuple[int, Sink]]:
    """The reading end, and what writes a pcap file into the other one."""
    reading, writing = os.pipe()
    try:
        yield reading, PcapSink("standard output", lambda: writing)
    finally:
        os.close(writing)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_well_and_the_last_packet_is_there(
    start: Callable[..., StandIn], tmp_path: Path, number: signal.Signals
) -> None:
    tcpdump = start(FIRST, LAST)
    path = tmp_path / "live.pcap"
    assert captured(file_sink(path), signalled(number)) == Captured(7, 2, None)
    assert path.read_bytes() == tcpdump.header + tcpdump.first + tcpdump.last
    assert len(read_capture(path)) == 7
    assert not tcpdump.runs()


def test_packets_are_in_the_pipe_as_soon_as_they_were_captured(
    start: Callable[..., StandIn],
) -> None:
    tcpdump = start(FIRST, LAST)
    wanted = tcpdump.header + tcpdump.first
    with pipe() as (reading, sink):
        seen = b""

        def read() -> None:
            nonlocal seen
            while len(seen) < len(wanted):
                seen += os.read(reading, 65536)
            os.kill(os.getpid(), signal.SIGINT)

        assert captured(sink, read).packets == 7
        assert seen == wanted
        os.close(reading)


def test_it_ends_after_so_many_packets(start: Callable[..., StandIn], tmp_path: Path) -> None:
    tcpdump = start(FIRST, LAST)
    path = tmp_path / "live.pcap"
    assert captured(file_sink(path), until=Until(packets=3)) == Captured(3, 2, None)
    length = len(tcpdump.first) // 5
    assert path.read_bytes() == tcpdump.header + tcpdump.first[: 3 * length]


def test_it_ends_after_so_long(start: Callable[..., StandIn], tmp_path: Path) -> None:
    start([], LAST)
    path = tmp_path / "live.pcap"
    began: list[float] = []
    came_to = captured(file_sink(path), lambda: began.append(time.monotonic()), Until(seconds=0.5))
    assert came_to == Captured(2, 2, None)
    assert time.monotonic() - began[0] >= 0.5


def test_it_ends_well_when_nobody_reads_any_more_though_nothing_passes(
    start: Callable[..., StandIn],
) -> None:
    start([], LAST)
    with pipe() as (reading, sink):
        assert captured(sink, lambda: os.close(reading)) == Captured(0, 2, None)


def test_it_ends_well_where_nobody_reads_to_begin_with(start: Callable[..., StandIn]) -> None:
    start(FIRST, LAST)
    with pipe() as (reading, sink):
        os.close(reading)
        assert captured(sink) == Captured(0, None, None)


def test_a_reader_that_has_stopped_reading_holds_nothing_up(start: Callable[..., StandIn]) -> None:
    tcpdump = start(voice(100), LAST, FLOODS)
    with pipe() as (reading, sink):
        came_to = captured(sink, signalled(signal.SIGINT))
        os.close(reading)
    assert (came_to.dropped, came_to.trouble) == (2, None)
    assert not tcpdump.runs()


def test_a_node_that_ends_is_told(start: Callable[..., StandIn], tmp_path: Path) -> None:
    start(FIRST, LAST)
    engine = Engine({"Status": "exited", "ExitCode": 137})
    came_to = captured(file_sink(tmp_path / "live.pcap"), engine.ended.set, engine=engine)
    assert came_to.trouble
    assert (came_to.packets, came_to.trouble.message) == (
        7,
        "caller of lab demo ended while it was captured: it is exited with exit status 137",
    )


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (None, "gone"),
        ({"Status": "removing", "ExitCode": 137}, "being removed"),
        ({"Status": "running"}, "running again"),
    ],
    ids=["taken down", "being taken down", "restarted"],
)
def test_a_node_whose_interface_goes_first_is_told_all_the_same(
    start: Callable[..., StandIn], tmp_path: Path, state: dict[str, Any] | None, words: str
) -> None:
    start(FIRST, LAST, FAILS)
    engine = Engine(state)

    def soon() -> None:
        time.sleep(0.2)
        engine.ended.set()

    came_to = captured(file_sink(tmp_path / "live.pcap"), soon, engine=engine)
    assert came_to.trouble
    assert came_to.packets == 5
    sentence = f"caller of lab demo ended while it was captured: it is {words}"
    assert came_to.trouble.message == sentence


def test_tcpdump_that_ends_by_itself_is_told_in_its_own_words(
    start: Callable[..., StandIn], tmp_path: Path
) -> None:
    start(FIRST, LAST, FAILS)
    path = tmp_path / "live.pcap"
    came_to = captured(file_sink(path))
    assert came_to.trouble
    assert came_to.trouble.message.endswith(
        "tcpdump at callee ended: pcap_loop: The interface disappeared"
    )
    assert len(read_capture(path)) == 5


def test_a_file_that_cannot_be_made_is_told(start: Callable[..., StandIn], tmp_path: Path) -> None:
    tcpdump = start(FIRST, LAST)
    path = tmp_path / "absent" / "live.pcap"
    trouble = captured(file_sink(path)).trouble
    assert trouble
    assert trouble.message == f"{path} cannot be written: No such file or directory"
    assert tcpdump.ends_within(ENDS_WITHIN_S)


def test_a_full_disk_is_told(start: Callable[..., StandIn]) -> None:
    start(FIRST, LAST)
    with Path("/dev/full").open("wb") as full:
        sink = LineSink("standard output", full.fileno, lambda packet: packet.protocol)
        came_to = captured(sink)
    assert came_to.trouble
    assert (came_to.packets, came_to.trouble.message) == (
        0,
        "standard output cannot be written: No space left on device",
    )


def test_a_file_that_takes_no_more_ends_with_its_last_whole_packet(tmp_path: Path) -> None:
    tcpdump = StandIn(tmp_path, FIRST, LAST)
    path = tmp_path / "live.pcap"
    sink = file_sink(path)
    sink.begin(tcpdump.header)
    sink.take(tcpdump.first)
    whole = HEADER_BYTES + len(tcpdump.first)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole + 100, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            sink.take(tcpdump.last)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == tcpdump.header + tcpdump.first


def test_lines_are_one_for_each_packet(start: Callable[..., StandIn], tmp_path: Path) -> None:
    start(FIRST, LAST)
    path = tmp_path / "lines"
    sink = LineSink("lines", opening(path), lambda packet: f"{packet.protocol} {packet.wire_bytes}")
    assert captured(sink, signalled(signal.SIGINT)).packets == 7
    assert path.read_text() == "udp 214\n" * 7


def test_a_node_that_does_not_run_has_nothing_to_capture(tmp_path: Path) -> None:
    sink = file_sink(tmp_path / "live.pcap")
    client = cast(DockerClient, Engine())
    with pytest.raises(LabError, match="caller of lab demo is exited: nothing passes there"):
        capture(client, lab_with("exited"), PLACE, "", sink, Until(), lambda: None)
    with pytest.raises(LabError, match="lab demo has no node relay9"):
        elsewhere = replace(PLACE, machine="relay9")
        capture(client, LAB, elsewhere, "", sink, Until(), lambda: None)
    assert not (tmp_path / "live.pcap").exists()
