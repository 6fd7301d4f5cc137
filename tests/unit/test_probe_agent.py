"""The agent that captures and pings; stand-ins take tcpdump's and ping's place."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath

import pytest

from lab.agents.probe import capture
from lab.agents.probe.capture import CaptureError, Tcpdump
from lab.engine.agent import Agent, AgentError
from lab.wire.probe import (
    PROBE,
    CaptureCounts,
    CapturePoint,
    EndObservation,
    LinkShapes,
    Observe,
    Observed,
    Observing,
    Ping,
    RoundTrips,
    ShapesSeen,
)
from lab.wire.shape import Shape

Start = Callable[[str, str], Agent]

TCPDUMP = """
import signal, sys, threading
signal.signal(signal.SIGINT, lambda *_: ended.set())
ended = threading.Event()
print("tcpdump: listening on", sys.argv[sys.argv.index("-i") + 1], file=sys.stderr, flush=True)
ended.wait()
print("7 packets captured\\n2 packets dropped by kernel", file=sys.stderr)
"""
PING = """
import pathlib, signal, threading
signal.signal(signal.SIGINT, lambda *_: ended.set())
ended = threading.Event()
pathlib.Path(__file__).with_name("pinging").touch()
print("64 bytes from 192.0.2.1: icmp_seq=1 ttl=64 time=1.50 ms", flush=True)
ended.wait()
print("2 packets transmitted, 1 received, 50% packet loss, time 1001ms")
"""
ANYWHERE = CapturePoint("access", PurePosixPath("access.pcap"), "udp", interface="any")


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start the agent with programs in place of tcpdump and ping."""

    def started(tcpdump: str, ping: str) -> Agent:
        for name, program in (("tcpdump", tcpdump), ("ping", ping)):
            path = tmp_path / name
            path.write_text(f"#!{sys.executable}\n{program}")
            path.chmod(0o755)
        path_variable = f"PATH={tmp_path}:{os.environ['PATH']}"
        command = ["env", path_variable, sys.executable, "-m", f"lab.agents.{PROBE.program}"]
        return Agent("probe", command, PROBE)

    return started


def test_what_was_seen_is_told_at_the_end(start: Start, tmp_path: Path) -> None:
    deadline = time.monotonic() + 10
    ping = Ping(IPv4Address("192.0.2.2"), IPv4Address("192.0.2.1"))
    loopback = CapturePoint("exit", PurePosixPath("e"), "tcp", address=IPv4Address("127.0.0.1"))
    with start(TCPDUMP, PING) as agent:
        agent.ask(Observe((ANYWHERE, loopback), ping, timer=True), Observing, 10)
        while not (tmp_path / "pinging").exists():
            assert time.monotonic() < deadline
        seen = agent.ask(EndObservation(), Observed, 10)
    assert seen.captures == {point: CaptureCounts(7, 2) for point in ("access", "exit")}
    assert seen.ping == RoundTrips(sent=2, received=1, rtt_ms=(1.5,))
    assert seen.timer
    assert seen.timer.max_ms is not None


LOOPBACK = {"self": IPv4Address("127.0.0.1")}


def test_links_that_kept_their_shapes(start: Start) -> None:
    with start(TCPDUMP, PING) as agent:
        agent.ask(Observe((), links=LOOPBACK), Observing, 10)
        seen = agent.ask(EndObservation(), Observed, 10).shapes
    untouched = {"self": LinkShapes(Shape(), Shape())}
    assert seen == ShapesSeen(untouched, untouched, 0)


def test_a_link_that_is_not_there_is_an_error(start: Start) -> None:
    absent = {"home": IPv4Address("192.0.2.9")}
    with (
        start(TCPDUMP, PING) as agent,
        pytest.raises(AgentError, match=r"has the address 192\.0\.2\.9"),
    ):
        agent.ask(Observe((), links=absent), Observing, 10)


def test_nothing_is_told_of_what_was_not_asked_for(start: Start) -> None:
    with start(TCPDUMP, PING) as agent:
        agent.ask(Observe((ANYWHERE,)), Observing, 10)
        assert agent.ask(EndObservation(), Observed, 10).ping is None


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        (ANYWHERE, "tcpdump at access ended: syntax error in filter"),
        (
            CapturePoint("exit", PurePosixPath("e"), "udp", address=IPv4Address("192.0.2.9")),
            r"no interface of this node has the address 192\.0\.2\.9",
        ),
    ],
)
def test_a_capture_that_does_not_run_says_why(
    start: Start, where: CapturePoint, reason: str
) -> None:
    failing = "import sys; sys.exit('syntax error in filter')"
    with start(failing, PING) as agent, pytest.raises(AgentError, match=reason):
        agent.ask(Observe((where,)), Observing, 10)


def test_a_capture_that_says_nothing_is_told_by_what_was_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = tmp_path / "tcpdump"
    silent.write_text(f"#!{sys.executable}\nimport time; time.sleep(60)")
    silent.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(capture, "START_DEADLINE_S", 0.1)
    dump = Tcpdump("access", "any", None, tmp_path / "access.pcap", "udp")
    with pytest.raises(CaptureError, match=r"^tcpdump at access did not listen within 0\.1 s$"):
        dump.wait_until_listening()
    dump.stop()
