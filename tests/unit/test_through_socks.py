"""Connections of programs that speak no SOCKS, carried on through a SOCKS proxy."""

from __future__ import annotations

import socket
import threading
from ipaddress import IPv4Address

import pytest
from socks_proxy import EchoProxy

from lab.agents.probe.through_socks import ThroughSocks

SERVER = IPv4Address("10.77.20.3")


def test_connections_go_on_through_the_proxy_each_by_itself() -> None:
    server = EchoProxy()
    words = [bytes([number]) * 400_000 for number in (1, 2)]
    with ThroughSocks(SERVER, 5201, server.proxy) as forwarder:
        ends = [socket.create_connection(("127.0.0.1", forwarder.port), 10) for _ in words]
        for end, word in zip(ends, words, strict=True):
            threading.Thread(target=_say, args=(end, word), daemon=True).start()
        assert [_heard(end) for end in ends] == words
        for end in ends:
            end.close()
    assert len(server.asked) == 2
    assert all(asked.endswith(b"\x0a\x4d\x14\x03\x14\x51") for asked in server.asked)
    assert forwarder.failure is None


def test_what_flows_ends_with_the_forwarder() -> None:
    with ThroughSocks(SERVER, 5201, EchoProxy().proxy) as forwarder:
        end = socket.create_connection(("127.0.0.1", forwarder.port), 10)
        end.sendall(b"so far")
        assert end.recv(6) == b"so far"
    assert end.recv(1) == b""
    end.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", forwarder.port), 10)


def test_what_the_proxy_could_not_reach_is_told() -> None:
    with ThroughSocks(SERVER, 5201, EchoProxy(refusing=True).proxy) as forwarder:
        with socket.create_connection(("127.0.0.1", forwarder.port), 10) as end:
            assert end.recv(1) == b""
        assert forwarder.failure == (
            "the SOCKS proxy could not reach 10.77.20.3:5201: connection refused"
        )


def _say(end: socket.socket, word: bytes) -> None:
    end.sendall(word)
    end.shutdown(socket.SHUT_WR)


def _heard(end: socket.socket) -> bytes:
    heard = b""
    while chunk := end.recv(65536):
        heard += chunk
    return heard
