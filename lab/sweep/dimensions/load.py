"""What competes with the call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lab.errors import UsageError
from lab.lazy import Lazy
from lab.load.kind import MOST
from lab.load.kinds import LOAD_KINDS
from lab.load.notation import parse_load
from lab.load.spec import Route
from lab.sweep.dimension import Coordinate, Dimension, Option, column
from lab.sweep.point import Point
from lab.sweep.written import JsonSchema, Key, Keys, Scalar, one_of, whole_number
from lab.topology.mistakes import Path

NONE = "none"
THROUGH: Mapping[Route | None, str | None] = {
    None: None,
    "direct": "load direct",
    "tor": "load through Tor",
}


def _note_kind(kind: str) -> Mapping[str, Scalar]:
    return {"load_kind": None if kind == NONE else kind}


def _in_words(count: int) -> str | None:
    return f"{count} streams" if count else None


LOAD_KIND: Coordinate[str] = Coordinate("load_kind", NONE, note=_note_kind)
"""Of `lab.load.kinds`, or none."""
LOAD_COUNT: Coordinate[int] = Coordinate(
    "load_count", 0, words=_in_words, note=column("load_count")
)
LOAD_THROUGH: Coordinate[Route | None] = Coordinate(
    "load_through", None, words=THROUGH.__getitem__, note=column("load_through")
)
"""Whether it takes Tor as well; None where there is none."""


def _kind_schema() -> JsonSchema:
    explained = [f"{kind.name}: {kind.explanation}" for kind in LOAD_KINDS]
    return {
        "enum": [NONE, *LOAD_KINDS.all],
        "type": "string",
        "description": f"{'; '.join([NONE, *explained])}.",
    }


def _values(written: Mapping[str, Any]) -> Iterator[tuple[Scalar, ...]]:
    for count in written["count"] or [0]:
        yield written["kind"], count, written["through"]


def _mistakes(written: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    name, counts = written["kind"], written["count"]
    if name == NONE:
        if counts:
            yield ("count",), "has no meaning without load"
        return
    if not counts:
        yield (), f"{name} needs a `count`"
    for index, count in enumerate(counts):
        if excess := LOAD_KINDS.named(name).excess(count, written["through"]):
            yield ("count", index), excess


def _read(text: str) -> object:
    try:
        load = parse_load(text)
    except UsageError as error:
        raise ValueError(f"cannot be had: {error}") from None
    return {"kind": load.kind, "count": [load.count], "through": load.route}


def _label(point: Point) -> str | None:
    if point[LOAD_KIND] == NONE:
        return None
    return f"{point[LOAD_KIND]}-{point[LOAD_COUNT]}-{point[LOAD_THROUGH]}"


def unloaded(point: Point) -> Point:
    """The point with nothing that competes."""
    return point.but(load_kind=NONE, load_count=0, load_through=None)


def _normalise(point: Point) -> Point:
    return point if point[LOAD_KIND] != NONE and point[LOAD_COUNT] else unloaded(point)


DIMENSION = Dimension(
    name="load",
    description="The competing traffic.",
    position=110,
    turns=120,
    coordinates=(LOAD_KIND, LOAD_COUNT, LOAD_THROUGH),
    written=Keys(
        "Traffic that competes with the call.",
        {
            "kind": Key(one_of(lambda: (NONE, *LOAD_KINDS.all))[0], _kind_schema),
            "count": Key(
                *whole_number(0, MOST),
                "How many at once; each is a point of its own. 0 is the call alone.",
                usual=[],
                many=True,
            ),
            "through": Key(
                *one_of(lambda: ("tor", "direct")),
                "Whether the competing traffic takes Tor as well, or goes straight over the "
                "shared link.",
                usual="tor",
            ),
        },
        _values,
        _mistakes,
    ),
    usual={"kind": NONE},
    label=_label,
    normalise=_normalise,
    around=Lazy("lab.sweep.conditions", "loaded"),
    option=Option(
        "Competing traffic, such as wget:20, wget:20:tor, voip:5:tor or mumble:5:tor.", read=_read
    ),
)
