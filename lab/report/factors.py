"""What a design of two values each varies: the factors behind a run's points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.report.naming import USUAL, in_words
from lab.sweep.dimension import Coordinate
from lab.sweep.point import Point, coordinates, dimensions_of
from lab.sweep.topology_key import is_topology_key
from lab.sweep.written import Scalar

TOPOLOGYS_OWN = "the topology's own"
"""What the value of a key is called that a point leaves alone."""


@dataclass(frozen=True, eq=False, slots=True)
class Factor:
    """One thing with two values; coordinates that always change together are one."""

    name: str
    first: str
    """In words: the value of the design's first point, which has the first of everything."""
    second: str
    coordinates: tuple[Coordinate[Any], ...]
    first_values: tuple[Scalar, ...]
    second_values: tuple[Scalar, ...]

    def level(self, point: Point) -> int | None:
        """-1 at the first value, 1 at the second; None where the point has neither."""
        values = values_at(point, self.coordinates)
        if values == self.first_values:
            return -1
        return 1 if values == self.second_values else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        names = [coordinate.name for coordinate in self.coordinates]
        return {
            "name": self.name,
            "first": dict(zip(names, self.first_values, strict=True)),
            "second": dict(zip(names, self.second_values, strict=True)),
        }


def values_at(point: Point, some: Iterable[Coordinate[Any]]) -> tuple[Scalar, ...]:
    """The values that a point has of some coordinates."""
    return tuple(value_at(point, each) for each in some)


def value_at(point: Point, each: Coordinate[Any]) -> Scalar:
    """What it has of one in the end: of a buffer left to the phone, that of the phone."""
    value: Scalar = point[each] if each.meant is None else each.meant(point)
    return value


def differing(points: Sequence[Point]) -> list[Coordinate[Any]]:
    """The coordinates of which these points have more than one value."""
    return [
        each
        for each in coordinates(dimensions_of(points))
        if len({value_at(point, each) for point in points}) > 1
    ]


def factors_of(points: Sequence[Point]) -> tuple[Factor, ...]:
    """What has exactly two values at a design's points, in the order of the dimensions."""
    together: dict[tuple[bool, ...], list[Coordinate[Any]]] = {}
    for each in differing(points):
        values = [value_at(point, each) for point in points]
        if len(set(values)) == 2:
            pattern = tuple(value == values[0] for value in values)
            together.setdefault(pattern, []).append(each)
    return tuple(_factor(points, tuple(some)) for some in together.values())


def _factor(points: Sequence[Point], some: tuple[Coordinate[Any], ...]) -> Factor:
    at = {values_at(point, some): point for point in points}
    first, second = at
    name = name_of(some, points)
    return Factor(
        name,
        value_in_words(at[first], some).removeprefix(f"{name} "),
        value_in_words(at[second], some).removeprefix(f"{name} "),
        some,
        first,
        second,
    )


def name_of(some: Sequence[Coordinate[Any]], points: Sequence[Point]) -> str:
    """What tables call the choice of some coordinates."""
    dimensions = [
        dimension.choice or dimension.name
        for dimension in dimensions_of(points)
        if any(each in some for each in dimension.coordinates)
    ]
    return ", ".join(dimensions)


def is_named_apart(each: Coordinate[Any]) -> bool:
    """Whether its values alone do not tell what they are of."""
    return is_topology_key(each.name) or each.meant is not None


def value_in_words(point: Point, some: Sequence[Coordinate[Any]]) -> str:
    """A point's values of some coordinates, where the choice itself is named beside them."""
    if all(is_named_apart(each) for each in some):
        values = values_at(point, some)
        return ", ".join(TOPOLOGYS_OWN if value is None else str(value) for value in values)
    return in_words(point, some) or USUAL
