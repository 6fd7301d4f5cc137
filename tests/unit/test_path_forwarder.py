"""Both forwarders of a call as programs, through a SOCKS proxy, with datagrams at either end."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest
from socks_proxy import OnwardProxy

from lab.engine.agent import Agent
from lab.errors import LabError
from lab.wire.paths import (
    FORWARDER,
    Carriage,
    EnterPaths,
    LeavePaths,
    PathsAwaited,
    PathsOpen,
    PathsTold,
    Policy,
    TellPaths,
)

HERE = IPv4Address("127.0.0.1")
WAIT_S = 30.0
CARRIAGE = Carriage(2, Policy.DUPLICATE, True, "ab" * 16)


@dataclass(frozen=True)
class Ends:
    """The forwarders, and what stands in for the OpenVPN beside each."""

    entering: Agent
    leaving: Agent
    proxy: OnwardProxy
    client: socket.socket
    server: socket.socket

    def told(self) -> tuple[PathsTold, PathsTold]:
        return (
            self.entering.ask(TellPaths(), PathsTold, WAIT_S),
            self.leaving.ask(TellPaths(), PathsTold, WAIT_S),
        )


def forwarder(name: str) -> Agent:
    return Agent(name, [sys.executable, "-m", f"lab.agents.{FORWARDER.program}"], FORWARDER)


def free_port() -> int:
    """Of UDP and TCP alike, as far as one can tell."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@contextmanager
def ends(carriage: Carriage = CARRIAGE) -> Iterator[Ends]:
    enter_port, leave_port = free_port(), free_port()
    proxy = OnwardProxy(leave_port)
    with (
        forwarder("leaving") as leaving,
        forwarder("entering") as entering,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
    ):
        client.settimeout(WAIT_S)
        server.settimeout(WAIT_S)
        client.connect(("127.0.0.1", enter_port))
        server.bind(("127.0.0.1", leave_port))
        leaving.ask(LeavePaths(carriage, HERE, leave_port), PathsAwaited, WAIT_S)
        enter = EnterPaths(carriage, HERE, enter_port, proxy.port, "call")
        entering.ask(enter, PathsOpen, WAIT_S)
        yield Ends(entering, leaving, proxy, client, server)


def until(condition: Callable[[], bool]) -> bool:
    """Whether it came to hold in time."""
    deadline = time.monotonic() + WAIT_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_datagrams_go_both_ways_each_once_and_one_path_is_enough() -> None:
    with ends() as call:
        call.client.send(b"hello")
        heard, sender = call.server.recvfrom(100)
        call.server.sendto(b"good day", sender)
        assert (heard, call.client.recv(100)) == (b"hello", b"good day")
        call.proxy.cut(0)
        call.client.send(b"still there?")
        assert call.server.recv(100) == b"still there?"
        entering, leaving = call.told()
        assert [path.ended is None for path in entering.paths] == [False, True]
        assert (entering.taken_packets, leaving.given_packets) == (2, 2)
        assert (entering.given_packets, leaving.taken_packets) == (1, 1)
        assert leaving.lost_packets == 0
        assert all(path.nodelay for path in (*entering.paths, *leaving.paths))
        assert entering.usage["cpu_s"] > 0
        assert entering.usage["memory_mb"] > 1


def test_without_any_path_it_still_tells_what_it_carried() -> None:
    with ends() as call:
        call.client.send(b"hello")
        call.server.recv(100)
        call.proxy.cut(0)
        call.proxy.cut(1)
        assert until(lambda: all(path.ended for path in call.told()[0].paths))
        call.client.send(b"anybody?")
        assert until(lambda: call.told()[0].without_path == 1)
        assert call.told()[0].taken_packets == 2


def test_a_path_that_cannot_be_opened_is_named() -> None:
    with forwarder("entering") as entering:
        enter = EnterPaths(CARRIAGE, HERE, free_port(), free_port(), "call")
        with pytest.raises(LabError, match=r"path 1 cannot be opened: .*[Rr]efused"):
            entering.ask(enter, PathsOpen, WAIT_S)


def test_a_forwarder_that_awaits_paths_ends_with_its_input() -> None:
    port = free_port()
    with forwarder("leaving") as leaving:
        leaving.ask(LeavePaths(CARRIAGE, HERE, port), PathsAwaited, WAIT_S)
        leaving.end()
        with pytest.raises(LabError, match="nobody awaits the paths any more"):
            leaving.receive(WAIT_S)
