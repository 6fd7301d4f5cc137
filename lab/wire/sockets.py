"""TCP sockets of a node, as its kernel lists them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address


class TcpState(IntEnum):
    """The kernel's states of a TCP socket (include/net/tcp_states.h)."""

    ESTABLISHED = 1
    SYN_SENT = 2
    SYN_RECV = 3
    FIN_WAIT1 = 4
    FIN_WAIT2 = 5
    TIME_WAIT = 6
    CLOSE = 7
    CLOSE_WAIT = 8
    LAST_ACK = 9
    LISTEN = 10
    CLOSING = 11
    NEW_SYN_RECV = 12
    BOUND_INACTIVE = 13


@dataclass(frozen=True, slots=True)
class TcpSocket:
    """One socket; one that listens has the far address 0.0.0.0 and port 0."""

    state: TcpState
    near: IPv4Address
    near_port: int
    far: IPv4Address
    far_port: int
