"""Waiting beside a server until it can be used (`net.listening`, `mumble.health`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.wire.messages import Dialogue, Event, Order


@dataclass(frozen=True, slots=True)
class AwaitedSocket:
    """The socket at which a server has to listen."""

    server: str
    protocol: Literal["tcp", "udp"]
    port: int


@dataclass(frozen=True, slots=True)
class AwaitSockets(Order):
    """Tell `Listening` of each; then the program ends."""

    sockets: tuple[AwaitedSocket, ...]


@dataclass(frozen=True, slots=True)
class AwaitHandshake(Order):
    """Tell `Listening` once this node's Murmur accepts a TLS handshake; then the program ends.

    It has to show the certificate it was given. `Failed`, with the last reason, at the deadline.
    """

    server: str
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Listening(Event):
    """A server is ready."""

    server: str
    at: float
    """Unix seconds."""
    tls: str | None = None
    """Version and cipher suite that it agreed to, where a handshake was awaited."""


LISTENING = Dialogue("net.listening", orders=(AwaitSockets,), events=(Listening,))
HANDSHAKE = Dialogue("mumble.health", orders=(AwaitHandshake,), events=(Listening,))
