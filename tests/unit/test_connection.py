"""TCP connections of programs in nodes, through a SOCKS proxy: what it is asked and refuses."""

from __future__ import annotations

import socket
import time
from ipaddress import IPv4Address

import pytest
from socks_proxy import EchoProxy

from lab.agents.net.connection import ConnectionFailedError, connect

SERVER = IPv4Address("10.1.2.3")
GREETING = b"\x05\x01\x02\x01\x04call\x06secret"
ONION = f"{'a' * 56}.onion"


@pytest.mark.parametrize(
    ("address", "destination"),
    [(SERVER, b"\x01\x0a\x01\x02\x03"), (ONION, b"\x03" + bytes([62]) + ONION.encode())],
)
def test_the_proxy_is_asked_with_credentials_and_finds_names_itself(
    address: IPv4Address | str, destination: bytes
) -> None:
    server = EchoProxy()
    with connect(address, 64738, server.proxy, time.monotonic() + 5) as connection:
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        connection.sendall(b"there")
        assert connection.recv(5) == b"there"
    assert server.asked == [GREETING + b"\x05\x01\x00" + destination + b"\xfc\xe2"]


def test_what_the_proxy_could_not_do_is_told_in_words() -> None:
    proxy = EchoProxy(refusing=True).proxy
    with pytest.raises(ConnectionFailedError, match=r"10\.1\.2\.3:64738: connection refused"):
        connect(SERVER, 64738, proxy, time.monotonic() + 5)
