"""Which call of the field the voice is sent through, packet by packet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from lab.calls.methods import METHODS
from lab.errors import LabError, UsageError
from lab.lazy import Lazy
from lab.sweep.dimension import Coordinate, Dimension, Option
from lab.sweep.point import Point
from lab.sweep.written import Key, Scalar, or_word

NONE = "none"
_READ: Lazy[Callable[[Path], object]] = Lazy("lab.measure.profile_file", "read_profile")
_PROFILES_IN: Lazy[Callable[[Path], tuple[Path, ...]]] = Lazy(
    "lab.measure.profile_file", "profiles_in"
)


def _name(path: str | None) -> str | None:
    return None if path is None else Path(path).stem


def _note(path: str | None) -> dict[str, Scalar]:
    return {"profile": _name(path)}


def _in_words(path: str | None) -> str | None:
    return None if path is None else f"profile {_name(path)}"


PROFILE: Coordinate[str | None] = Coordinate("profile", None, words=_in_words, note=_note)
"""The path of its file; None where the links do as the topology says."""


def _parse(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be the path of a profile, or {NONE}")
    return value


def _found(value: str, directory: Path) -> Sequence[str]:
    if value == NONE:
        return [value]
    return [str(path) for path in _PROFILES_IN.load()((directory / value).resolve())]


@lru_cache(maxsize=4096)
def _fault(path: str) -> str | None:
    """Why the file is no profile; asked once a point, and read once."""
    try:
        _READ.load()(Path(path))
    except LabError as error:
        return error.message
    return None


def _check(point: Point) -> None:
    path = point[PROFILE]
    if path is None:
        return
    if not METHODS.named(point.method).replays:
        able = ", ".join(method.name for method in METHODS if method.replays)
        raise UsageError(
            f"{point.method} cannot be sent through a profile: its voice is not RTP on the links",
            f"These methods can: {able}.",
        )
    if fault := _fault(path):
        raise UsageError(fault)


DIMENSION = Dimension(
    name="profile",
    description="Calls of the field whose delays and losses voice meets packet by packet: the "
    "path of a profile (`lab profile make`) relative to this file, or of a directory of them, "
    "each a point of its own; none: what the topology says.",
    position=115,
    turns=15,
    coordinates=(PROFILE,),
    written=Key(*or_word(NONE, _parse, lambda: {"type": "string", "minLength": 1})),
    found=_found,
    usual=NONE,
    label=lambda point: _name(point[PROFILE]),
    check=_check,
    around=Lazy("lab.sweep.conditions", "replayed"),
    option=Option(
        "Send voice through a call of the field, packet by packet: the file of `lab profile make`.",
        read=lambda text: text if text == NONE else str(Path(text).resolve()),
    ),
)
