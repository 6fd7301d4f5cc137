"""What a Mumble client is told, and what it tells of the one call it is for."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.wire.messages import Dialogue, Event, Order
from lab.wire.proxy import SocksProxy
from lab.wire.voice import Expect, Played, Playing, Received
from lab.wire.voice_client import Leave, Left, Talk

MAX_USERS = 1000
"""Clients that a lab's Murmur admits."""


@dataclass(frozen=True, slots=True)
class MumbleServer:
    """A server, and the certificate by which it is known."""

    address: IPv4Address
    port: int
    fingerprint: str
    """SHA-256 of its certificate, hexadecimal."""
    onion: str | None = None
    """The name of its onion service, for a proxy that is to be asked for that one."""


@dataclass(frozen=True, slots=True)
class Join(Order):
    """Connect and go into the call's channel: `Joined` once the peer is there as well."""

    server: MumbleServer
    name: str
    peer: str
    """The name of the client it talks to."""
    channel: str
    creates: bool
    """Whether it opens the channel, or waits for the other to do so."""
    proxy: SocksProxy | None
    deadline_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Joined(Event):
    """Both clients are in the channel."""

    at_s: float
    setup_ms: float
    """From the order until the server let this client in."""
    tls: str
    """Version and cipher suite."""
    opus: str
    """The library and its version."""


MUMBLE_CLIENT = Dialogue(
    "mumble.client",
    orders=(Join, Talk, Expect, Leave),
    events=(Joined, Playing, Played, Received, Left),
)


@dataclass(frozen=True, slots=True)
class ClientReport:
    """What a Mumble client told of its call; None is what it did not come to."""

    joined: Joined | None = None
    playing: Playing | None = None
    played: Played | None = None
    received: Received | None = None
    left: Left | None = None
