"""A happening with its time and its teller: one line of JSON in a journal and in `lab events`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lab.events import happenings
from lab.events.happenings import Happening
from lab.wire.plain import ShapeError, from_plain, to_plain

EVENT = "event"
"""The key of the happening's name; the keys beside it are those of `Told` and of the happening."""


@dataclass(frozen=True, slots=True)
class Told:
    """What happened, when, and who told."""

    at: float
    """Unix time, s."""
    lab: str | None
    """The lab in which it happened; None where that is not known, as of a run in several."""
    teller: str
    """The verb at work, such as `call`; `docker` and `kernel` for what was read there."""
    pid: int
    """The process that told it."""
    what: Happening


KINDS: dict[str, type[Happening]] = {
    name: kind
    for name, kind in vars(happenings).items()
    if isinstance(kind, type) and issubclass(kind, Happening) and kind is not Happening
}
"""Every happening there is, by its name."""


def to_line(told: Told) -> str:
    """As one line, without its end."""
    return json.dumps(to_values(told), ensure_ascii=False)


def to_values(told: Told) -> dict[str, Any]:
    """As the plain values of the line."""
    return {
        "at": round(told.at, 3),
        "lab": told.lab,
        "teller": told.teller,
        "pid": told.pid,
        EVENT: type(told.what).__name__,
        **to_plain(told.what),
    }


def from_line(line: str) -> Told:
    """What `to_line` made a line of; ShapeError where it is none, or of another version."""
    try:
        values: Any = json.loads(line)
    except ValueError:
        raise ShapeError(f"no JSON: {line[:60]!r}") from None
    if not isinstance(values, dict) or values.get(EVENT) not in KINDS:
        raise ShapeError(f"no happening that is known here: {line[:60]!r}")
    kind = KINDS[values.pop(EVENT)]
    about = {name: values.pop(name, None) for name in ("at", "lab", "teller", "pid")}
    head = from_plain(_Head, about)
    return Told(head.at, head.lab, head.teller, head.pid, from_plain(kind, values))


@dataclass(frozen=True, slots=True)
class _Head:
    at: float
    lab: str | None
    teller: str
    pid: int
