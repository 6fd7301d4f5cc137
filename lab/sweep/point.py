"""One point of an experiment: everything that is the same for all calls made there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar, cast

from lab.sweep.dimension import Coordinate, Dimension
from lab.sweep.dimensions import DIMENSIONS
from lab.sweep.topology_key import is_topology_key, topology_key
from lab.sweep.written import Scalar

if TYPE_CHECKING:
    from lab.topology.model import Topology

T = TypeVar("T")


@dataclass(frozen=True, init=False, slots=True)
class Point:
    """How calls are made at this point, and against what: a value of every coordinate."""

    values: Mapping[str, Scalar]
    """By the coordinates' names, without those that have the default."""

    def __init__(self, method: str, **others: Scalar) -> None:
        """Coordinates by name; KeyError for one that no dimension has."""
        given = {"method": method, **others}
        known = {coordinate.name: coordinate for coordinate in coordinates(_dimensions(given))}
        values = {name: value for name, value in given.items() if value != known[name].default}
        object.__setattr__(self, "values", values)

    def __getitem__(self, coordinate: Coordinate[T]) -> T:
        return cast(T, self.values.get(coordinate.name, coordinate.default))

    def __hash__(self) -> int:
        return hash(frozenset(self.values.items()))

    def but(self, **changes: Scalar) -> Point:
        """The point with other values of some coordinates, by name."""
        return Point(**cast(dict[str, Any], {**self.values, **changes}))

    @property
    def method(self) -> str:
        """How voice travels."""
        return str(self.values["method"])

    @property
    def point_id(self) -> str:
        """The point's name, the same in every run: `v-tor.PCMU.to-caller.10mbit.server…`."""
        parts = [dimension.labelled(self) for dimension in dimensions_of([self])]
        return ".".join(part for part in parts if part is not None)

    def check_suits(self, topology: Topology) -> None:
        """UsageError where the topology lacks what a value names."""
        for dimension in dimensions_of([self]):
            if dimension.suits is not None:
                dimension.suits(self, topology)

    def normalised(self) -> Point:
        """The point without what has no effect there, so that equal points are equal."""
        return reduce(lambda point, dimension: dimension.normalise(point), DIMENSIONS, self)

    def to_dict(self) -> dict[str, Scalar]:
        """Plain values of every coordinate, from which `Point(**values)` makes it again."""
        return {item.name: self[item] for item in coordinates(dimensions_of([self]))}


def dimensions_of(points: Iterable[Point]) -> tuple[Dimension, ...]:
    """What may distinguish these points: all that is registered, and keys of the topology."""
    return _dimensions(name for point in points for name in point.values)


def coordinates(dimensions: Iterable[Dimension]) -> tuple[Coordinate[Any], ...]:
    """The coordinates of some dimensions, in order."""
    return tuple(coordinate for dimension in dimensions for coordinate in dimension.coordinates)


def _dimensions(names: Iterable[str]) -> tuple[Dimension, ...]:
    """Every registered dimension, and those of the coordinates that are keys of the topology."""
    keys = sorted({name for name in names if is_topology_key(name)})
    return (*DIMENSIONS, *map(topology_key, keys))
