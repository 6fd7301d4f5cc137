"""The agent that tells packets while they are captured; a stand-in takes tcpdump's place."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64decode
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from forged_packets import voice
from stand_in_tcpdump import FAILS, FLOODS, REFUSES, StandIn

from lab.agents.probe import live_capture
from lab.engine.agent import Agent, AgentError
from lab.wire.line import Line
from lab.wire.live_capture import (
    LIVE_CAPTURE,
    CaptureBegan,
    CaptureEnded,
    CaptureLive,
    EndCapture,
    PacketsCaptured,
)
from lab.wire.messages import write
from lab.wire.probe import CaptureCounts

FIRST, LAST = voice(5), voice(2, first_sequence=2000)
ANYWHERE = CaptureLive("exit", "udp", interface="any")
DEADLINE_S = 10.0


def begun(agent: Agent, order: CaptureLive = ANYWHERE) -> bytes:
    """The header of the capture's file."""
    return b64decode(agent.ask(order, CaptureBegan, DEADLINE_S).header)


def all_told(agent: Agent) -> tuple[bytes, CaptureCounts]:
    """The records until the capture has ended, and what was counted."""
    records = b""
    while True:
        event = agent.receive(DEADLINE_S)
        if isinstance(event, CaptureEnded):
            return records, event.counts
        assert isinstance(event, PacketsCaptured)
        records += b64decode(event.records)


def test_packets_are_told_as_they_come_and_the_last_at_the_end(tmp_path: Path) -> None:
    tcpdump = StandIn(tmp_path, FIRST, LAST)
    with tcpdump.agent() as agent:
        assert begun(agent) == tcpdump.header
        assert b64decode(agent.expect(PacketsCaptured, DEADLINE_S).records) == tcpdump.first
        agent.send(EndCapture())
        assert all_told(agent) == (tcpdump.last, CaptureCounts(7, 2))


def test_tcpdump_is_asked_for_the_packets_of_the_order(tmp_path: Path) -> None:
    tcpdump = StandIn(tmp_path, FIRST)
    with tcpdump.agent() as agent:
        begun(agent, CaptureLive("exit", "udp port 5060", address=IPv4Address("127.0.0.1")))
        asked = (tmp_path / "asked").read_text()
    assert asked.endswith("-U -B 8192 -s 2048 --immediate-mode --time-stamp-precision=nano "
                          "-i lo -w - udp port 5060")  # fmt: skip
    with tcpdump.agent() as agent:
        begun(agent, CaptureLive("exit", "", interface="tun0"))
        assert (tmp_path / "asked").read_text().endswith("-i tun0 -w -")


def test_more_than_a_pipe_holds_is_told_whole(tmp_path: Path) -> None:
    many = voice(2000)
    tcpdump = StandIn(tmp_path, many, LAST)
    with tcpdump.agent() as agent:
        begun(agent)
        agent.send(EndCapture())
        told, _ = all_told(agent)
    assert told == tcpdump.first + tcpdump.last


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (REFUSES, "tcpdump at exit ended: .*syntax error"),
        (FAILS, "tcpdump at exit ended: pcap_loop: The interface disappeared$"),
    ],
)
def test_a_capture_that_ends_by_itself_says_why(tmp_path: Path, fault: str, reason: str) -> None:
    with (
        StandIn(tmp_path, FIRST, (), fault).agent() as agent,
        pytest.raises(AgentError, match=reason),
    ):
        begun(agent)
        while True:
            agent.expect(PacketsCaptured, DEADLINE_S)


def test_an_address_that_no_interface_has_is_said(tmp_path: Path) -> None:
    nowhere = CaptureLive("exit", "", address=IPv4Address("192.0.2.9"))
    with (
        StandIn(tmp_path, FIRST).agent() as agent,
        pytest.raises(AgentError, match=r"no interface of this node has the address 192\.0\.2\.9"),
    ):
        begun(agent, nowhere)


def test_it_ends_with_its_input_and_tcpdump_with_it(tmp_path: Path) -> None:
    tcpdump = StandIn(tmp_path, FIRST)
    with tcpdump.agent() as agent:
        begun(agent)
        assert tcpdump.runs()
    assert tcpdump.ends_within(DEADLINE_S)


def test_nothing_is_left_of_a_flood_whose_hearer_is_killed(tmp_path: Path) -> None:
    """Nobody listened any more when that came, and every pipe in between was full."""
    tcpdump = StandIn(tmp_path, FIRST, (), FLOODS)
    starter = f"""
import time
from lab.engine.agent import Agent
from lab.wire.live_capture import LIVE_CAPTURE, CaptureBegan, CaptureLive
agent = Agent("agent", {tcpdump.command!r}, LIVE_CAPTURE, (), 2)
agent.ask(CaptureLive("exit", "", interface="any"), CaptureBegan, {DEADLINE_S})
time.sleep(0.5)
print("begun", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"begun\n"
        assert tcpdump.runs()
        process.kill()
    assert tcpdump.ends_within(DEADLINE_S)


def test_a_link_that_takes_time_is_captured_on_two_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tcpdump = StandIn(tmp_path, FIRST, LAST)
    monkeypatch.setenv("PATH", tcpdump.path_variable)
    both = [("delay-in-eth0", "in"), ("delay-out-eth0", "out")]
    monkeypatch.setattr(live_capture, "devices_of", lambda *_: both)
    orders, into_orders = os.pipe()
    events, into_events = os.pipe()
    os.write(into_orders, f"{write(EndCapture())}\n".encode())
    line = Line(LIVE_CAPTURE, orders, into_events, os.open(os.devnull, os.O_WRONLY))
    with live_capture.Flow(CaptureLive("exit", "")) as flow:
        assert flow.header() == tcpdump.header
        live_capture.tell(flow, line)
        assert flow.counts() == CaptureCounts(14, 4)
    told = [LIVE_CAPTURE.read_event(text) for text in os.read(events, 65536).decode().splitlines()]
    records = b"".join(b64decode(one.records) for one in told if isinstance(one, PacketsCaptured))
    for part in (tcpdump.first, tcpdump.last):
        assert records.count(part) == 2
    assert len(records) == 2 * len(tcpdump.first + tcpdump.last)
    for descriptor in (orders, into_orders, events, into_events):
        os.close(descriptor)
