"""Tries to go past Tor: the program that makes them, and what is told of them."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

import pytest

from lab.demo import attempts
from lab.demo.attempts import ARRIVED, Target, Try, try_once, trying
from lab.errors import LabError

LAB: Any = SimpleNamespace(running=None)
NOTES: Any = None
HERE = IPv4Address("127.0.0.1")


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[str]]:
    """The programs, which run here, not in a node."""
    processes: list[subprocess.Popen[str]] = []

    def start(_lab: Any, _node: str, program: str, argument: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", program, argument],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    monkeypatch.setattr(attempts, "start_program", start)
    return processes


@pytest.fixture
def server() -> Iterator[Target]:
    """Somebody who listens for TCP."""
    with socket.create_server((str(HERE), 0)) as listening:
        yield Target("somebody", HERE, listening.getsockname()[1])


def test_what_arrives_and_what_does_not(server: Target) -> None:
    closed = Target("nobody", HERE, 1)
    assert try_once(LAB, "caller", [server, closed]) == (
        Try(server, "TCP", ARRIVED),
        Try(server, "UDP", ARRIVED),
        Try(closed, "TCP", "Connection refused"),
        Try(closed, "UDP", ARRIVED),
    )


def test_tries_last_as_long_as_the_call(server: Target) -> None:
    tries: list[Try] = []
    observe = trying(LAB, "caller", [server], tries)
    with observe(NOTES):
        assert tries == []
    assert {each.protocol for each in tries} == {"TCP", "UDP"}
    assert all(each.arrived for each in tries)


def test_of_a_call_that_is_made_again_the_first_tries_are_forgotten(server: Target) -> None:
    tries: list[Try] = [Try(server, "TCP", "Connection refused")]
    with trying(LAB, "caller", [server], tries)(NOTES):
        pass
    assert all(each.arrived for each in tries)


def test_when_the_call_is_interrupted_they_end_at_once(
    server: Target, started: list[subprocess.Popen[str]]
) -> None:
    with pytest.raises(KeyboardInterrupt), trying(LAB, "caller", [server], [])(NOTES):
        raise KeyboardInterrupt
    assert [process.poll() for process in started] == [-9]


def test_a_program_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, server: Target) -> None:
    monkeypatch.setattr(attempts, "PROGRAM", "raise SystemExit('no sockets here')")
    with pytest.raises(LabError, match="what was tried in caller is not known: no sockets here"):
        try_once(LAB, "caller", [server])
