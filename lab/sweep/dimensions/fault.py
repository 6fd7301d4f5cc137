"""What breaks during a call, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.errors import UsageError
from lab.faults.check import check_faults
from lab.faults.kinds import FAULT_KINDS
from lab.faults.notation import BETWEEN, format_faults, parse_faults, words_of
from lab.lazy import Lazy
from lab.sweep.dimension import Coordinate, Dimension, Option
from lab.sweep.dimensions.duration import DURATION
from lab.sweep.point import Point
from lab.sweep.written import JsonSchema, Key, Scalar, or_word

if TYPE_CHECKING:
    from lab.topology.model import Topology

NONE = "none"


def _note(faults: str | None) -> dict[str, Scalar]:
    return {"faults_asked": faults}


def _in_words(faults: str | None) -> str | None:
    return None if faults is None else f"broken: {faults}"


FAULTS: Coordinate[str | None] = Coordinate("fault", None, words=_in_words, note=_note)
"""As `format_faults` writes them; None where nothing is to break."""


def stops_a_node(point: Point) -> bool:
    """Whether the lab has to be verified again after a call there."""
    text = point[FAULTS]
    return text is not None and any(
        FAULT_KINDS.named(fault.kind).stops_node for fault in parse_faults(text)
    )


def _parse(value: object) -> str:
    parts: list[Any] = value if isinstance(value, list) else [value]
    if not parts or not all(isinstance(part, str) for part in parts):
        raise ValueError(
            f"must be a fault such as 5s down caller home for 2s, several of them, or {NONE}"
        )
    return format_faults(parse_faults(BETWEEN.join(parts)))


def _schema() -> JsonSchema:
    kinds = "; ".join(f"{words_of(kind)}: {kind.description}" for kind in FAULT_KINDS)
    one: JsonSchema = {"type": "string", "minLength": 1, "description": f"{kinds}."}
    return {"anyOf": [one, {"type": "array", "minItems": 1, "items": {"type": "string"}}]}


def _label(point: Point) -> str | None:
    text = point[FAULTS]
    if text is None:
        return None
    # Names have no underscores, so that what is joined by them can be told apart again.
    return "_".join(text.replace(BETWEEN, "").split())


def _check(point: Point) -> None:
    text, duration_s = point[FAULTS], point[DURATION]
    if text is None or duration_s is None:
        return
    for fault in parse_faults(text):
        if (fault.at_s or 0.0) >= duration_s:
            raise UsageError(
                f"{fault} never comes in a call of {duration_s} s",
                "Let it come sooner, or the call last longer.",
            )


def _suits(point: Point, topology: Topology) -> None:
    if (text := point[FAULTS]) is not None:
        check_faults(topology, parse_faults(text))


DIMENSION = Dimension(
    name="fault",
    description="What breaks during a call, and when, counted from the beginning of its voice: "
    "5s down caller home for 2s (the link), 3s loss server hosting 20% for 1s, 4s kill relay2, 4s "
    "pause relay1 for 1s; several in a list, or between semicolons; without `for` to the end of "
    "the call. none: nothing.",
    position=117,
    turns=17,
    coordinates=(FAULTS,),
    written=Key(*or_word(NONE, _parse, _schema)),
    usual=NONE,
    label=_label,
    check=_check,
    suits=_suits,
    around=Lazy("lab.sweep.conditions", "faulted"),
    option=Option(
        'What breaks during the call, such as "5s down caller home for 2s" (`lab fault --help`); '
        "several between semicolons."
    ),
)
