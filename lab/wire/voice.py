"""What any end of a call, of whatever kind, is told and tells while it talks."""

from __future__ import annotations

from dataclasses import dataclass

from lab.wire.messages import Event, Order


@dataclass(frozen=True, slots=True)
class Expect(Order):
    """Tell `Received` once all of the other end's voice has come, or none comes any more."""

    packets: int
    """The number of the packet with which its clip ends, counted from the first."""


@dataclass(frozen=True, slots=True)
class Playing(Event):
    """The clip begins."""

    at_s: float
    """Unix seconds, by the clock that all nodes share; so everywhere."""


@dataclass(frozen=True, slots=True)
class Played(Event):
    """The packet with which the clip ends has left."""

    packets: int
    """Its number, counted from the first that was sent."""


@dataclass(frozen=True, slots=True)
class Received(Event):
    """The other end has been heard, as far as it will be."""

    at_s: float
    packets: int
    """How many came."""
    complete: bool
    """Whether all of those that were expected came or are known to be lost."""
