"""What voice is heard through."""

from __future__ import annotations

from lab.calls.methods import METHODS
from lab.sweep.dimension import Coordinate, Dimension, Option, measured
from lab.sweep.dimensions.codec import codec_at
from lab.sweep.dimensions.phone import profile_at
from lab.sweep.point import Point
from lab.sweep.written import Key, or_word, text_like
from lab.wire.playout import PLAYOUT_PATTERN, Playout, parse_playout

USUAL = "usual"


def _in_words(spec: str | None) -> str:
    return f"playout {spec or USUAL}"


PLAYOUT: Coordinate[str | None] = Coordinate(
    "playout",
    None,
    words=_in_words,
    meant=lambda point: buffer_at(point).spec,
    note=measured,
)
"""As `lab.wire.playout` writes it; None is the usual one."""


def buffer_at(point: Point) -> Playout:
    """The buffer before both ears: where nothing is said, that of the phone."""
    spec = point[PLAYOUT]
    return profile_at(point).playout if spec is None else parse_playout(spec)


def _normalise(point: Point) -> Point:
    own = point.but(playout=None)
    return own if buffer_at(own) == buffer_at(point) else point


def _label(point: Point) -> str | None:
    spec = point[PLAYOUT]
    return None if spec is None else spec.replace(":", "-")


def _check(point: Point) -> None:
    METHODS.named(point.method).check_playout(codec_at(point), buffer_at(point))


DIMENSION = Dimension(
    name="playout",
    description="The buffer before the ear (fixed:60, adaptive:60, its depth in ms), or usual: "
    "the phone's own, fixed:200 for the lab's.",
    position=60,
    turns=70,
    coordinates=(PLAYOUT,),
    written=Key(
        *or_word(USUAL, lambda value: parse_playout(value).spec, text_like(f"^{PLAYOUT_PATTERN}$"))
    ),
    usual=USUAL,
    label=_label,
    normalise=_normalise,
    check=_check,
    plan=lambda point: {"playout": buffer_at(point)},
    option=Option(
        "The buffer before both ears, fixed or adaptive, with its depth in ms, such as fixed:60 "
        "or adaptive:60 (default: the phone's own, fixed:200)."
    ),
    may_fit=True,
)
