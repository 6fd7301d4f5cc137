"""What a report calls points: by what distinguishes them from the others.

Nothing that is varied can be left out of such a name: it is made of the coordinates of every
dimension there is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from lab.sweep.dimension import Coordinate
from lab.sweep.dimensions.method import METHOD
from lab.sweep.dimensions.placement import PLACEMENT
from lab.sweep.dimensions.rate import RATE
from lab.sweep.point import Point, coordinates, dimensions_of
from lab.sweep.written import Scalar

IF_ONE: tuple[Coordinate[Any], ...] = (METHOD, RATE, PLACEMENT)
"""What a point is called by that has no others beside it."""
USUAL = "the usual"
"""What a value is called of which nothing is said."""


def curve_names(points: Sequence[Point]) -> list[str]:
    """What distinguishes each of these points from the others; a few words where there is one."""
    if varied := _varied(points, ()):
        return [name or USUAL for name in _names(points, varied)]
    return [in_words(point, IF_ONE) for point in points]


def told_apart(points: Sequence[Point], told: Collection[Coordinate[Any]]) -> list[str]:
    """What distinguishes each point from the others beyond what is `told` in another place."""
    return _names(points, _varied(points, told))


def in_words(point: Point, some: Iterable[Coordinate[Any]]) -> str:
    """Some of a point's values; nothing of the usual ones."""
    return ", ".join(filter(None, (coordinate.words(point[coordinate]) for coordinate in some)))


def values_in_words(points: Sequence[Point], names: Collection[str]) -> list[str]:
    """Every value that the coordinates called `names` have at the points, as names say it."""
    some = [each for each in coordinates(dimensions_of(points)) if each.name in names]
    values = {(each, point[each]): None for each in some for point in points}
    return [text for each, value in values if (text := each.words(value)) is not None]


def without(point: Point, some: Iterable[Coordinate[Any]]) -> Point:
    """The point with the default of some coordinates, so that points are equal but for them."""
    return point.but(**{coordinate.name: coordinate.default for coordinate in some})


def _varied(points: Sequence[Point], told: Collection[Coordinate[Any]]) -> list[Coordinate[Any]]:
    """The coordinates in which points differ that are alike in all that is told."""
    alike: dict[tuple[Scalar, ...], list[Point]] = {}
    for point in points:
        alike.setdefault(tuple(point[each] for each in told), []).append(point)
    return [
        each
        for each in coordinates(dimensions_of(points))
        if each not in told
        and any(len({point[each] for point in some}) > 1 for some in alike.values())
    ]


def _names(points: Sequence[Point], varied: Sequence[Coordinate[Any]]) -> list[str]:
    names = [in_words(point, varied) for point in points]
    different = {tuple(point[each] for each in varied) for point in points}
    if len(set(names)) == len(different):
        return names
    # Words that two dimensions share, say: what cannot be mistaken is longer.
    return [", ".join(f"{each.name} {point[each]}" for each in varied) for point in points]
