"""Where on a call's way it is captured: the names that records and reports use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lab.lazy import Lazy

if TYPE_CHECKING:
    from lab.lifecycle.ready import ReadyLab
    from lab.measure.call.notes import PointNotes
    from lab.measure.call.path import VoicePath

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
    follows_call: bool = False
    """Whether it is elsewhere in calls by another method, or over another circuit."""


Placing = Callable[["MeasuringPoint", "ReadyLab", "VoicePath"], "PointNotes | None"]

_PLACINGS = "lab.calls.observe.placing"

TUNNEL = MeasuringPoint("tunnel", "inside the tunnel", 10, ("ip",), Lazy(_PLACINGS, "tunnel"))
ACCESS = MeasuringPoint(
    "access", "on the caller's own link", 20, ("ip", "eth"), Lazy(_PLACINGS, "access")
)
EXIT = MeasuringPoint(
    "exit",
    "on the last hop to the server",
    30,
    ("ip", "eth"),
    Lazy(_PLACINGS, "last_hop"),
    follows_call=True,
)
SERVICE = MeasuringPoint(
    "service",
    "on the link of the onion service, to its first relay",
    35,
    ("ip", "eth"),
    Lazy(_PLACINGS, "service"),
    follows_call=True,
)
PBX_CALLER_LEG = MeasuringPoint(
    "pbx-caller",
    "at the PBX, on the caller's side",
    34,
    (),
    Lazy(_PLACINGS, "pbx_caller_leg"),
    follows_call=True,
)
PBX_CALLEE_LEG = MeasuringPoint(
    "pbx-callee",
    "at the PBX, on the callee's side",
    36,
    (),
    Lazy(_PLACINGS, "pbx_callee_leg"),
    follows_call=True,
)
CALLEE_LINK = MeasuringPoint(
    "callee", "on the callee's own link", 40, (), Lazy(_PLACINGS, "callee")
)
CALLEE_EXIT = MeasuringPoint(
    "callee_exit",
    "on the last hop from the callee to the server",
    50,
    ("ip", "eth"),
    Lazy(_PLACINGS, "callee_last_hop"),
    follows_call=True,
)
CALLEE_ACCESS = MeasuringPoint(
    "callee_access",
    "on the anonymous callee's own link",
    60,
    ("ip", "eth"),
    Lazy(_PLACINGS, "callee_access"),
)
CALLEE_TUNNEL = MeasuringPoint(
    "callee_tunnel", "inside the callee's tunnel", 70, ("ip",), Lazy(_PLACINGS, "callee_tunnel")
)
