"""A forwarder at each end of a call over several circuits (`paths.forwarder`).

It takes datagrams of the call's OpenVPN at its own machine, carries them over as many TCP
connections as there are paths, and hands them to the OpenVPN at the other end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address

from lab.wire.messages import Dialogue, Event, Order

SINGLE = "single"
"""What is written for a call without forwarders: OpenVPN's own connection, over one circuit."""
MOST_PATHS = 8
"""What a frame says of so many leaves room for two packets of G.711 in a cell."""


class Policy(StrEnum):
    """Which packet goes over which paths; `lab.agents.paths.policies` says how, and by whom."""

    DUPLICATE = "duplicate"
    ALTERNATE = "alternate"
    FAST_SLOW = "fast-slow"


POLICIES = (SINGLE, *Policy)


@dataclass(frozen=True, slots=True)
class Carriage:
    """What both forwarders of a call have to agree on."""

    paths: int
    policy: Policy
    nodelay: bool
    """Whether they set TCP_NODELAY on the connections of the paths."""
    key: str
    """Hexadecimal, of 16 bytes: who connects to the one at the server has to say it."""


@dataclass(frozen=True, slots=True)
class EnterPaths(Order):
    """At the caller: open every path, one after the other, and carry: `PathsOpen`."""

    carriage: Carriage
    server: IPv4Address
    port: int
    """TCP, of the forwarder at the server, and UDP, on loopback, of this one."""
    socks_port: int
    user: str
    """Of the SOCKS proxy: each path has one of its own, made of this."""


@dataclass(frozen=True, slots=True)
class LeavePaths(Order):
    """At the server: await every path, and carry: `PathsAwaited`."""

    carriage: Carriage
    address: IPv4Address
    port: int
    """TCP, where it listens, and UDP, on loopback, of the OpenVPN that it hands packets to."""


@dataclass(frozen=True, slots=True)
class TellPaths(Order):
    """Tell what was carried so far: `PathsTold`."""


@dataclass(frozen=True, slots=True)
class PathsOpen(Event):
    """Every path carries packets."""

    after_ms: float


@dataclass(frozen=True, slots=True)
class PathsAwaited(Event):
    """It listens."""


@dataclass(frozen=True, slots=True)
class PathTold:
    """One path, as the forwarder of one end saw it."""

    sent_frames: int
    sent_bytes: int
    refused_frames: int
    """Those that were not sent, because too much of what was sent before still waited."""
    received_frames: int
    first_packets: int
    """Packets of which the first copy came by this path."""
    delay_ms: Mapping[str, float]
    """Of the frames that came, from one forwarder to the other: `p50`, `p95`, `p99`, `max`; empty
    where none came. Both read the host's one clock."""
    nodelay: bool
    """Whether TCP_NODELAY is set on its connection, as the kernel says."""
    ended: str | None = None
    """Why its connection ended; None while it lives."""
    ended_at_s: float | None = None
    """When, Unix seconds."""


@dataclass(frozen=True, slots=True)
class PathsTold(Event):
    """What the forwarder of one end carried."""

    paths: tuple[PathTold, ...]
    taken_packets: int
    """Datagrams from the OpenVPN at its own machine."""
    given_packets: int
    """Datagrams that came over the paths and were handed to it, each once."""
    duplicate_packets: int
    """Further copies of these, repetitions among them."""
    repaired_packets: int
    """Of those handed over, those that came as a repetition in a later frame first."""
    lost_packets: int
    """Numbers of the other end's that came in no copy, up to the highest that did."""
    without_path: int
    """Datagrams taken when no path lived any more."""
    usage: Mapping[str, float] = field(default_factory=dict)
    """Of its process: `cpu_s`, `memory_mb` (at most)."""


FORWARDER = Dialogue(
    "paths.forwarder",
    orders=(EnterPaths, LeavePaths, TellPaths),
    events=(PathsOpen, PathsAwaited, PathsTold),
)
