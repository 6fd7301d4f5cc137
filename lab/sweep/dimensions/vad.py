"""Whether phones leave pauses out."""

from __future__ import annotations

from lab.calls.methods import METHODS
from lab.sweep.dimension import Coordinate, Dimension, Option, measured
from lab.sweep.dimensions.codec import codec_at
from lab.sweep.dimensions.phone import profile_at
from lab.sweep.point import Point
from lab.sweep.written import Key

USUAL = "usual"
ON, OFF = "on", "off"


def _in_words(vad: str | None) -> str:
    return f"voice activity detection {vad or USUAL}"


VAD: Coordinate[str | None] = Coordinate(
    "vad",
    None,
    words=_in_words,
    meant=lambda point: ON if vad_at(point) else OFF,
    note=measured,
)
"""`on` or `off`; None is what the phone has."""


def vad_at(point: Point) -> bool:
    """Whether it is on there."""
    return profile_at(point).vad if point[VAD] is None else point[VAD] == ON


def _parse(value: object) -> str | None:
    if value == USUAL:
        return None
    if value not in (ON, OFF):
        raise ValueError(f"must be {ON}, {OFF} or {USUAL}")
    return str(value)


def _normalise(point: Point) -> Point:
    own = point.but(vad=None)
    return own if vad_at(own) == vad_at(point) else point


def _check(point: Point) -> None:
    METHODS.named(point.method).check_vad(codec_at(point), vad_at(point))


DIMENSION = Dimension(
    name="vad",
    description="Whether phones leave pauses out (voice activity detection): on, off, or usual: "
    "as the phone is, off for the lab's.",
    position=58,
    turns=71,
    coordinates=(VAD,),
    written=Key(_parse, lambda: {"enum": [USUAL, ON, OFF]}),
    usual=USUAL,
    label=lambda point: None if point[VAD] is None else f"vad-{point[VAD]}",
    normalise=_normalise,
    check=_check,
    plan=lambda point: {"vad": vad_at(point)},
    option=Option(
        "Leave pauses out (voice activity detection): on or off (default: as the phone, off)."
    ),
)
