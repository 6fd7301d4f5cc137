"""Comparing the clocks of two hosts, and counting a host's processors (`net.clock`).

One side asks and the other answers, by UDP between the hosts' own addresses: four times an
exchange, as in NTP (RFC 5905, 8).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.wire.messages import Dialogue, Event, Order

QUESTION = struct.Struct("!16sIq")
"""What only these two know, the exchange's number, when it was sent (ns)."""
ANSWER = struct.Struct("!16sIqqq")
"""The same, and when the question came and when this was sent, by the other clock."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer, ns since the epoch by the clocks of either side."""

    asked: int
    came: int
    """By the other clock."""
    answered: int
    """By the other clock."""
    back: int


@dataclass(frozen=True, slots=True)
class AnswerClock(Order):
    """Answer who asks at `near` from now on: `Answering`; only what comes from `far`."""

    near: IPv4Address
    far: IPv4Address
    token: str
    """32 hexadecimal digits, without which nothing is answered."""


@dataclass(frozen=True, slots=True)
class Answering(Event):
    """A question is answered."""

    port: int


@dataclass(frozen=True, slots=True)
class AskClock(Order):
    """Ask the clock that is answering at `far`: `ClockTold`."""

    near: IPv4Address
    far: IPv4Address
    port: int
    token: str
    count: int
    """How often."""


@dataclass(frozen=True, slots=True)
class ClockTold(Event):
    """What was answered."""

    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True)
class ReadHost(Order):
    """Tell of this host: `HostRead`."""


@dataclass(frozen=True, slots=True)
class HostRead(Event):
    """The counters of all processors together since boot, in ticks, and which boot that was."""

    total: int
    idle: int
    steal: int
    boot_id: str
    """See random(4)."""


CLOCK = Dialogue(
    "net.clock",
    orders=(AnswerClock, AskClock, ReadHost),
    events=(Answering, ClockTold, HostRead),
)
"""Its program runs in a host's own network namespace, without any capability."""
