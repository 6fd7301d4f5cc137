"""The figure of a run: PESQ over what it varies, with its intervals and every call.

Pure: points with their calls in, curves out; `lab.web.runs.chart` has what ECharts draws of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from lab.ends import EACH_END
from lab.measure.statistics import Interval
from lab.report.naming import USUAL, curve_names, in_words, without
from lab.sweep.dimension import Coordinate
from lab.sweep.dimensions.load import LOAD_COUNT, LOAD_KIND, NONE, unloaded
from lab.sweep.dimensions.method import METHOD
from lab.sweep.dimensions.rate import RATE
from lab.sweep.point import Point, coordinates, dimensions_of
from lab.sweep.topology_key import PREFIX, topology_key
from lab.topology.variant import value_from
from lab.verdict import INVALID, VALID
from lab.web.runs.progress import PointRow

PLACES = tuple(
    coordinate
    for end in EACH_END
    for coordinate in topology_key(f"{PREFIX}nodes.{end}.place").coordinates
)
"""The places of both ends, which are one thing on an axis."""
TITLES = {LOAD_COUNT.name: "competing streams", RATE.name: "shared link, kbit/s"}


@dataclass(frozen=True, slots=True)
class Axis:
    """What is varied, from left to right."""

    title: str
    told: tuple[Coordinate[Any], ...]
    """The coordinates that a place on it tells."""
    labels: tuple[str, ...] | None
    """Of its places, counted from 0; None where a place is a number."""
    place: Callable[[Point], float]


@dataclass(frozen=True, slots=True)
class Curve:
    """What is the same but for the place on the axis."""

    name: str
    means: tuple[tuple[float, Interval], ...]
    """Place → PESQ so far, of the points that have any, from left to right."""
    calls: tuple[tuple[float, float, str], ...]
    """Place, MOS-LQO and name of every valid call."""
    invalid: tuple[tuple[float, float, str], ...]
    """The same of every invalid call of which it is known; they are in no mean."""


@dataclass(frozen=True, slots=True)
class RunFigure:
    """All of it."""

    axis: Axis
    curves: tuple[Curve, ...]


def figure_of(rows: Sequence[PointRow]) -> RunFigure:
    """The figure of a run whose plan has these points."""
    points = [row.point for row in rows]
    axis = axis_of(points)
    families = _families(points, axis)
    by_point = {row.point: row for row in rows}
    return RunFigure(
        axis,
        tuple(
            _curve(name, [by_point[point] for point in members], axis)
            for name, members in zip(curve_names(list(families)), families.values(), strict=True)
        ),
    )


def axis_of(points: Sequence[Point]) -> Axis:
    """Competing streams, else the link's rate, else places, else another number, else names."""
    varied = [
        each
        for each in coordinates(dimensions_of(points))
        if len({point[each] for point in points}) > 1
    ]
    numbers = [each for each in varied if _is_number(points, each)]
    for each in (LOAD_COUNT, RATE):
        if each in numbers:
            return _of_numbers(each)
    if RATE in varied:
        return _of_names(TITLES[RATE.name], (RATE,), points, _by_rate(points))
    if any(each in varied for each in PLACES):
        return _of_names("places of caller and callee", PLACES, points)
    if numbers:
        return _of_numbers(max(numbers, key=lambda each: len({point[each] for point in points})))
    others = tuple(each for each in varied if each is not METHOD)
    return _of_names("", others or (METHOD,), points)


def _is_number(points: Sequence[Point], coordinate: Coordinate[Any]) -> bool:
    return all(type(point[coordinate]) in (int, float) for point in points)


def _of_numbers(coordinate: Coordinate[Any]) -> Axis:
    title = TITLES.get(coordinate.name, coordinate.name.replace("_", " "))
    return Axis(title, (coordinate,), None, lambda point: float(point[coordinate]))


def _by_rate(points: Sequence[Point]) -> list[Point]:
    return sorted(points, key=lambda point: (point[RATE] is None, point[RATE] or 0))


def _of_names(
    title: str,
    told: tuple[Coordinate[Any], ...],
    points: Sequence[Point],
    ordered: Sequence[Point] | None = None,
) -> Axis:
    def label(point: Point) -> str:
        if told == PLACES:
            return " - ".join(_plain(point[each]) for each in told)
        return in_words(point, told) or USUAL

    labels = tuple(dict.fromkeys(map(label, ordered or points)))
    positions = {text: float(position) for position, text in enumerate(labels)}
    return Axis(title, told, labels, lambda point: positions[label(point)])


@cache
def _plain(text: str | None) -> str:
    """A place as it is called, without the quotes that a topology file wants around some."""
    return USUAL if text is None else str(value_from(text))


def _families(points: Sequence[Point], axis: Axis) -> dict[Point, list[Point]]:
    """What a curve's points share → these; a call alone begins every curve of its link."""
    if axis.told != (LOAD_COUNT,):
        families: dict[Point, list[Point]] = {}
        for point in points:
            families.setdefault(without(point, axis.told), []).append(point)
        return families
    quiet = [point for point in points if point[LOAD_KIND] == NONE]
    families = {}
    for point in points:
        if point[LOAD_KIND] != NONE:
            families.setdefault(point.but(load_count=0), []).append(point)
    begun: set[Point] = set()
    for family, members in families.items():
        alone = unloaded(family)
        begun.add(alone)
        members += [point for point in quiet if point == alone]
    return families | {point: [point] for point in quiet if point not in begun}


def _curve(name: str, rows: Sequence[PointRow], axis: Axis) -> Curve:
    placed = sorted(((axis.place(row.point), row) for row in rows), key=lambda each: each[0])
    dots: dict[str, list[tuple[float, float, str]]] = {VALID: [], INVALID: []}
    for place, row in placed:
        for call in row.calls:
            mos = getattr(call, f"{row.scored}_pesq_mos")
            if call.verdict in dots and mos is not None:
                dots[call.verdict].append((place, round(mos, 3), call.call_id))
    return Curve(
        name=name,
        means=tuple((place, row.mos) for place, row in placed if row.mos.estimate is not None),
        calls=tuple(dots[VALID]),
        invalid=tuple(dots[INVALID]),
    )
