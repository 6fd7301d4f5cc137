"""Where on a call's way it is captured: the names that records and reports use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ip", "eth"]


@dataclass(frozen=True, slots=True)
class MeasuringPoint:
    """One place at which packets are captured during a call."""

    name: str
    """As in the record's columns `kbps_<point>_<level>`, and in the capture's file name."""
    where: str
    """In words, for people."""
    position: int
    """Where it stands among the others, from the caller's end on."""
    levels: tuple[Level, ...] = ()
    """At which bandwidth is counted there; none at a point for delay and loss alone."""


TUNNEL = MeasuringPoint("tunnel", "inside the tunnel", 10, ("ip",))
ACCESS = MeasuringPoint("access", "on the caller's own link", 20, ("ip", "eth"))
EXIT = MeasuringPoint("exit", "on the last hop to the server", 30, ("ip", "eth"))
CALLEE_LINK = MeasuringPoint("callee", "on the callee's own link", 40)
