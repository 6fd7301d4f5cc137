"""Where on a call's way it is captured: the names that records and reports use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lab.lazy import Lazy

if TYPE_CHECKING:
    from lab.lifecycle.ready import ReadyLab
    from lab.measure.call.notes import PointNotes, VoicePath

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
    levels: tuple[Level, ...]
    """At which bandwidth is counted there; none at a point for delay and loss alone."""
    placing: Lazy[Placing]
    """Finds it on a path that is open; None where the path has no such place."""


Placing = Callable[["MeasuringPoint", "ReadyLab", "VoicePath"], "PointNotes | None"]

_PLACINGS = "lab.calls.observe.placing"

TUNNEL = MeasuringPoint("tunnel", "inside the tunnel", 10, ("ip",), Lazy(_PLACINGS, "tunnel"))
ACCESS = MeasuringPoint(
    "access", "on the caller's own link", 20, ("ip", "eth"), Lazy(_PLACINGS, "access")
)
EXIT = MeasuringPoint(
    "exit", "on the last hop to the server", 30, ("ip", "eth"), Lazy(_PLACINGS, "last_hop")
)
CALLEE_LINK = MeasuringPoint(
    "callee", "on the callee's own link", 40, (), Lazy(_PLACINGS, "callee")
)
