"""What a dimension of an experiment is: one thing that is varied, with all that follows from it.

A dimension is one module of `lab.sweep.dimensions`. Points, the grid and its schema, the options
of `lab call`, columns of records, and how reports name points are derived from these values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lab.lazy import Lazy
from lab.sweep.written import REQUIRED, Key, Keys, Scalar

if TYPE_CHECKING:
    from lab.calls.observe.observer import Observer
    from lab.sweep.conditions import Scene
    from lab.sweep.point import Point
    from lab.topology.model import Topology

    Around = Callable[[Scene], AbstractContextManager[Observer | None]]
    """Has its effect while the block runs; what it yields measures that during the call."""

T = TypeVar("T")


def in_words(value: Scalar) -> str | None:
    """A value as it is; nothing of one that is not there."""
    return None if value is None else str(value)


@dataclass(frozen=True, eq=False, slots=True)
class Coordinate(Generic[T]):
    """One value of a point; `point[COORDINATE]` is it."""

    name: str
    """In plans, and of the column in which records have it."""
    default: T
    """What a point has of which nothing is said."""
    words: Callable[[T], str | None] = in_words  # type: ignore[assignment]
    """A value as a part of a point's name in reports, which must tell values apart; None where
    it is the usual one, of which nothing is said."""
    meant: Callable[[Point], Scalar] | None = None
    """What a point has of it in the end, where its value may stand for another's: as the phone."""
    note: Callable[[T], Mapping[str, Scalar]] | None = None
    """The columns of a record that tell of the value; None: one of its own. What is measured of
    the same things goes before."""


def measured(_value: object) -> Mapping[str, Scalar]:
    """None: the call notes this value itself, as it found it."""
    return {}


def column(name: str) -> Callable[[Any], Mapping[str, Scalar]]:
    """That one, which every record has."""
    return lambda value: {name: value}


@dataclass(frozen=True, eq=False, slots=True)
class Option:
    """How a dimension is given to `lab call`."""

    help: str
    usual: str | None = None
    """What is meant where it is left out, if that is not what experiments mean."""
    read: Callable[[str], object] = lambda text: text
    """What is typed → what would be written in an experiment; ValueError as `Key.parse`."""


@dataclass(frozen=True, eq=False, slots=True)
class Dimension:
    """One thing that experiments vary."""

    name: str
    """Its key in the grid, and the option of `lab call`."""
    description: str
    position: int
    """Where it stands among the others: in the grid, in the name of a point, in reports."""
    turns: int
    """How fast it changes from point to point, among the others: with the seed that decides the
    order of the calls."""
    coordinates: tuple[Coordinate[Any], ...]
    """What it decides of a point."""
    written: Key | Keys
    found: Callable[[Any, Path], Sequence[Any]] | None = None
    """Where values name files: what one that is written in a directory's file stands for."""
    usual: object = REQUIRED
    """The only value where the grid says nothing of it; None: it is left alone then."""
    label: Callable[[Point], str | None] | None = None
    """Its part of a point's name in plans, which must tell its values apart, and stays as it is
    because stored calls are found by it; None where it has the default. Where there is no such
    function: its own name with the values."""
    normalise: Callable[[Point], Point] = lambda point: point
    """The point with the default where another value has no effect or means the same."""
    check: Callable[[Point], None] = lambda point: None
    """UsageError where its value cannot be had at that point."""
    suits: Callable[[Point, Topology], None] | None = None
    """UsageError where the topology lacks what its value names; None: it names nothing of it."""
    plan: Callable[[Point], Mapping[str, Any]] | None = None
    """If it is applied call by call: the arguments of `CallPlan` that it decides."""
    around: Lazy[Around] | None = None
    """If it is applied to the running lab, around a call."""
    topology: Callable[[Point], Mapping[str, Any]] | None = None
    """If the lab is rendered anew for it: keys of the topology (`vpn.cipher`) → values."""
    option: Option | None = None
    """Absent where a single call cannot choose: in a lab that is up, say."""
    choice: str = ""
    """What reports call choosing it, if not by its name."""
    brings: tuple[Coordinate[Any], ...] = ()
    """Coordinates of others that may follow from it: a method may have a codec of its own."""
    may_fit: bool = False
    """Whether its values may have been chosen after seeing results (`fit`)."""

    def assignments(self, value: Any) -> list[dict[str, Scalar]]:
        """What a value written for it means: coordinates by name, once or more.

        ValueError where it cannot stand there.
        """
        names = [coordinate.name for coordinate in self.coordinates]
        return [dict(zip(names, values, strict=True)) for values in self.written.values(value)]

    def labelled(self, point: Point) -> str | None:
        """Its part of the point's name; None where it has the default."""
        if self.label is not None:
            return self.label(point)
        if all(point[coordinate] == coordinate.default for coordinate in self.coordinates):
            return None
        return "-".join([self.name, *(str(point[coordinate]) for coordinate in self.coordinates)])
