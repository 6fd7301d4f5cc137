"""The sockets of this network namespace, read from /proc: no privilege is needed for that."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

from lab.wire.sockets import TcpSocket, TcpState

TCP = Path("/proc/net/tcp")


def tcp_sockets(table: Path = TCP) -> Iterator[TcpSocket]:
    """Every TCP socket over IPv4."""
    return sockets_in(table.read_text())


def sockets_in(table: str) -> Iterator[TcpSocket]:
    """Those of a table (proc_net_tcp in the kernel's docs); one of UDP looks the same."""
    for line in table.splitlines()[1:]:
        _, local, remote, state, *_ = line.split()
        near, far = _endpoint(local), _endpoint(remote)
        yield TcpSocket(TcpState(int(state, 16)), near[0], near[1], far[0], far[1])


def _endpoint(text: str) -> tuple[IPv4Address, int]:
    """`0100007F:1F90`: the address as the kernel holds it, then the port."""
    address, _, port = text.partition(":")
    packed = struct.pack("=I", int(address, 16))
    return IPv4Address(socket.inet_ntoa(packed)), int(port, 16)
