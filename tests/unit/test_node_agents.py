"""The small agents inside nodes that look at /proc: are the routes there, do servers listen."""

from __future__ import annotations

import base64
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.agents.net.listening import listens
from lab.agents.net.routes_ready import is_closed, wait_until_closed
from lab.agents.tor import relay as tor_relay
from lab.engine.agent import Agent
from lab.wire.listening import LISTENING, AwaitedSocket, AwaitSockets, Listening
from lab.wire.tor_network import TorNetwork

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
LINK = "eth0\t0000800A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
DEFAULT = "eth0\t00000000\t0100800A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
UNREACHABLE = "*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n"
UNREACHABLE_HOST = "*\t0100800A\t00000000\t0205\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n"

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0300800A:04AA 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 1 1
   1: 0300800A:1F90 0200800A:C350 01 00000000:00000000 00:00000000 00000000 10001        0 2 1
"""


def listening() -> Agent:
    command = [sys.executable, "-m", f"lab.agents.{LISTENING.program}"]
    return Agent("listening", command, LISTENING)


def test_a_node_is_closed_by_its_unreachable_default_route() -> None:
    assert is_closed(HEAD + LINK + UNREACHABLE)
    assert not is_closed(HEAD + LINK)
    assert not is_closed(HEAD + LINK + DEFAULT)
    assert not is_closed(HEAD + LINK + UNREACHABLE_HOST)
    assert not is_closed(HEAD)


def test_waiting_for_the_routes_has_a_deadline(tmp_path: Path) -> None:
    routes = tmp_path / "route"
    routes.write_text(HEAD + DEFAULT)
    assert not wait_until_closed(routes, deadline_s=0.05)
    routes.write_text(HEAD + UNREACHABLE)
    assert wait_until_closed(routes, deadline_s=0.05)


def test_a_command_without_dashes_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lab.agents.net.routes_ready", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("usage:")


def test_a_relay_waits_for_the_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    """tor would upload its descriptor once, to nobody, and not again."""
    answers = iter([None, None, b"", b"never asked for"])
    monkeypatch.setattr(tor_relay, "fetch", lambda *_: next(answers))
    tor_relay.wait_for_authority(TorNetwork("relay1", False, "192.0.2.1:9030", 30, {}))
    assert list(answers) == [b"never asked for"]


@pytest.mark.parametrize(("relays", "pause_s"), [(4, 0.25), (100, 2.0)])
def test_many_relays_look_for_the_consensus_no_more_often_together(
    relays: int, pause_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four looks make sixteen a second, a hundred relays fifty."""
    own = "AB" * 20
    identity = base64.b64encode(bytes.fromhex(own)).decode().rstrip("=")
    answers = iter([None, b"", f"r relay1 {identity} x\n".encode()])
    monkeypatch.setattr(tor_relay, "fetch", lambda *_: next(answers))
    pauses: list[float] = []
    signals: list[tuple[int, int]] = []
    monkeypatch.setattr("lab.agents.tor.relay.time.sleep", pauses.append)
    monkeypatch.setattr("lab.agents.tor.relay.os.kill", lambda *sent: signals.append(sent))
    known = {"relay1": own} | {f"other{number}": str(number) for number in range(1, relays)}
    tor_relay.reload_at_consensus(TorNetwork("relay1", False, "192.0.2.1:9030", 30, known), 77)
    assert pauses == [pause_s, pause_s]
    assert signals == [(77, signal.SIGHUP)]


def test_a_server_listens_and_a_connection_does_not() -> None:
    assert listens(TCP, "tcp", 1194)
    assert not listens(TCP, "tcp", 8080)
    assert not listens(TCP, "tcp", 5060)
    assert not listens(TCP, "udp", 1194)


def test_servers_are_reported_when_they_come() -> None:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", 0))
        awaited = [
            AwaitedSocket("server", "tcp", tcp.getsockname()[1]),
            AwaitedSocket("pbx", "udp", udp.getsockname()[1]),
        ]
        with listening() as agent:
            agent.send(AwaitSockets(tuple(awaited)))
            assert agent.expect(Listening, 10).server == "pbx"
            before = time.time()
            tcp.listen()
            event = agent.expect(Listening, 10)
            assert event.server == "server"
            assert before <= event.at <= time.time()


def test_a_listener_that_is_not_needed_any_more_ends() -> None:
    with listening() as agent:
        agent.send(AwaitSockets((AwaitedSocket("never", "tcp", 1),)))
        began = time.monotonic()
    assert time.monotonic() - began < 3
