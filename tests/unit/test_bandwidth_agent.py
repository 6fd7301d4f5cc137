"""What iperf3 is told and tells, and the program in nodes that runs it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from socks_proxy import EchoProxy

from lab.agents.probe import iperf
from lab.agents.probe.iperf import IperfError, client_command, server_command
from lab.engine.agent import Agent, AgentError
from lab.wire.bandwidth import (
    BANDWIDTH,
    BandwidthMeasured,
    BandwidthServed,
    MeasureBandwidth,
    ServeBandwidth,
)

REPORTS = Path(__file__).parent / "golden" / "iperf3"
"""What Debian's iperf3 3.12 reports of 8 Mbit/s both ways, with one interval of each, and of a
port at which nobody listens."""
LOOPBACK = IPv4Address("127.0.0.1")
SERVER = IPv4Address("10.77.20.3")
ORDER = MeasureBandwidth(SERVER, 5201, down=True, omit_s=2, time_s=5)


@pytest.mark.parametrize(("way", "kbps"), [("down", 7968.8), ("up", 7969.4)])
def test_what_the_receiver_got_is_read_from_the_report(way: str, kbps: float) -> None:
    found = iperf.measured((REPORTS / f"{way}.json").read_text())
    assert found.kbps == pytest.approx(kbps, abs=0.1)
    assert found.program == "iperf 3.12"


@pytest.mark.parametrize(
    ("report", "why"),
    [
        ((REPORTS / "refused.json").read_text(), "iperf3: unable to connect to server"),
        ("", "iperf3 said no JSON: nothing"),
        ("iperf3: unrecognized option", "said no JSON: iperf3: unrecognized option"),
        ("[]", "iperf3 made no report"),
        ('{"start": {"version": "iperf 3.12"}, "end": {}}', "did not report what was received"),
    ],
)
def test_a_report_of_nothing_says_why(report: str, why: str) -> None:
    with pytest.raises(IperfError, match=why):
        iperf.measured(report)


def test_the_command_lines_say_what_was_ordered() -> None:
    served = server_command(ServeBandwidth(SERVER, 5201))
    assert " ".join(served) == "iperf3 --server --one-off --version4 --bind 10.77.20.3 --port 5201"
    down = client_command(replace(ORDER, source=IPv4Address("10.8.0.2")), SERVER, 5201)
    assert {"--reverse", "--json"} < set(down)
    assert down[-2:] == ["--bind", "10.8.0.2"]
    up = client_command(replace(ORDER, down=False), LOOPBACK, 40_000)
    assert " ".join(up).endswith("--connect-timeout 10000 --omit 2 --time 5")
    assert up[1:5] == ["--client", "127.0.0.1", "--port", "40000"]


IPERF = """
import os, pathlib, socket, sys, time
words = sys.argv[1:]
value = lambda name: words[words.index(name) + 1]
if "--server" in words:
    if os.environ.get("BROKEN"):
        raise SystemExit("iperf3: error - unable to start listener")
    listener = socket.create_server((value("--bind"), int(value("--port"))))
    time.sleep(60)
with socket.create_connection((value("--client"), int(value("--port"))), 10) as end:
    if end.getpeername()[1] != int(os.environ["SERVED"]):
        end.recv(1)
        print('{"error": "the control connection broke"}')
        raise SystemExit(1)
print(pathlib.Path(os.environ["REPORT"]).read_text())
"""
"""Stands in for iperf3: as a client it reports what it is told to, if its server accepts."""


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Agent]:
    def started(**environment: str) -> Agent:
        program = tmp_path / "iperf3"
        program.write_text(f"#!{sys.executable}\n{IPERF}")
        program.chmod(0o755)
        variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **environment}
        command = ["env", *(f"{name}={value}" for name, value in variables.items())]
        command += [sys.executable, "-m", f"lab.agents.{BANDWIDTH.program}"]
        return Agent("bandwidth", command, BANDWIDTH)

    return started


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_a_server_waits_anew_for_each_measurement(start: Callable[..., Agent], port: int) -> None:
    served = ServeBandwidth(LOOPBACK, port)
    order = replace(ORDER, address=LOOPBACK, port=port)
    report = str(REPORTS / "down.json")
    with start() as server, start(SERVED=str(port), REPORT=report) as client:
        for _ in range(2):
            assert server.ask(served, BandwidthServed, 20) == BandwidthServed()
            assert client.ask(order, BandwidthMeasured, 20).kbps == pytest.approx(7968.8, abs=0.1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 10)


def test_a_server_that_cannot_listen_says_why(start: Callable[..., Agent], port: int) -> None:
    with start(BROKEN="yes") as server, pytest.raises(AgentError, match="unable to start listener"):
        server.ask(ServeBandwidth(LOOPBACK, port), BandwidthServed, 20)


def test_behind_a_proxy_it_is_the_proxy_that_is_blamed(start: Callable[..., Agent]) -> None:
    order = replace(ORDER, proxy=EchoProxy(refusing=True).proxy)
    with start(SERVED="5201") as client, pytest.raises(AgentError) as caught:
        client.ask(order, BandwidthMeasured, 20)
    assert "could not reach 10.77.20.3:5201: connection refused" in caught.value.message


def test_a_client_is_ended_with_its_input(start: Callable[..., Agent]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, start(SERVED="1") as client:
        port = int(silent.getsockname()[1])
        client.send(replace(ORDER, address=LOOPBACK, port=port))
        connection, _ = silent.accept()
        with connection:
            client.end()
            connection.settimeout(20)
            assert connection.recv(1) == b"", "its iperf3 is gone"
