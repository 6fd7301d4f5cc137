"""The points that an expectation is about: dimensions and values as the experiment names them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.errors import UsageError
from lab.expectations.notation import Expectation
from lab.report.factors import value_at
from lab.report.naming import USUAL, in_words
from lab.sweep.dimension import Coordinate, Dimension
from lab.sweep.point import Point, dimensions_of
from lab.sweep.topology_key import PREFIX, is_topology_key
from lab.sweep.written import Key, Keys, Scalar
from lab.topology.mistakes import did_you_mean
from lab.topology.variant import value_from

MOST_LISTED = 12
Given = Mapping[str, Scalar]
"""Values of coordinates, by their names."""


def points_meant(expectation: Expectation, points: Sequence[Point]) -> tuple[Point, ...]:
    """The points of an experiment that an expectation is about, in their order.

    UsageError where there is none, or where the experiment has no such dimension or value.
    """
    meant = list(points)
    for name, text in expectation.at:
        choice = _choice(name, text, points)
        chosen = {point for point in points if choice.made_at(point)}
        if not chosen:
            raise UsageError(
                f"{expectation.text!r}: no point of the experiment has {name}={text}",
                f"Its points have there: {_values(choice, points)}.",
            )
        meant = [point for point in meant if point in chosen]
    if not meant:
        raise UsageError(f"{expectation.text!r}: no point of the experiment has all of these")
    return tuple(meant)


@dataclass(frozen=True, eq=False, slots=True)
class _Choice:
    """What one `DIMENSION=VALUE` asks of a point."""

    dimension: Dimension
    text: str
    given: Given | None
    """What the text means; None where it can only be a part of a point's name."""
    about: tuple[Coordinate[Any], ...]
    """The coordinates that it decides, or all that the dimension has."""
    others: tuple[Given, ...]
    """Other values there: those of the points, and those that the dimension lists."""

    def made_at(self, point: Point) -> bool:
        """Whether a point is so."""
        if self.text == self.dimension.labelled(point):
            return True
        if self.given is None:
            return False
        asked = point.but(**self.given)
        if all(value_at(point, each) == value_at(asked, each) for each in self.about):
            return True
        # 20 ms are the usual packets of PCMU; but of a call without Tor no hops are meant.
        return asked.normalised() == point and any(
            point.but(**other).normalised() != point for other in self.others
        )


def _choice(name: str, text: str, points: Sequence[Point]) -> _Choice:
    dimension, key = _named(name, points)
    given = _meaning(dimension, text) if key is None else _meaning_of_key(*key, text)
    about = tuple(each for each in dimension.coordinates if given is None or each.name in given)
    others = [{each.name: point[each] for each in about} for point in points]
    if isinstance(dimension.written, Key):
        for listed in dimension.written.schema().get("enum", ()):
            others += dimension.assignments(listed)
    distinct = {tuple(other.items()): other for other in others}
    return _Choice(dimension, text, given, about, tuple(distinct.values()))


def _named(
    name: str, points: Sequence[Point]
) -> tuple[Dimension, tuple[Key, Coordinate[Any]] | None]:
    """The dimension of that name, or with one of its keys; UsageError where there is none."""
    dimensions = dimensions_of(points)
    by_name = {each.name: each for each in dimensions}
    by_name |= {each.name.removeprefix(PREFIX): each for each in dimensions}
    if dimension := by_name.get(name):
        return dimension, None
    keys = {
        f"{each.name}.{key}": (each, told)
        for each in dimensions
        for key, told in _keys(each).items()
    }
    if name in keys:
        return keys[name]
    raise UsageError(
        f"the experiment has no dimension {name}{did_you_mean(name, [*by_name, *keys])}",
        f"Its dimensions: {', '.join(dict.fromkeys(by_name))}.",
    )


def _keys(dimension: Dimension) -> dict[str, tuple[Key, Coordinate[Any]]]:
    """The keys of a dimension that is written as a mapping, each with the coordinate it decides."""
    written = dimension.written
    if isinstance(written, Key):
        return {}
    pairs = zip(written.keys.items(), dimension.coordinates, strict=True)
    return {name: (key, coordinate) for (name, key), coordinate in pairs}


def _meaning(dimension: Dimension, text: str) -> Given | None:
    """What a value is, written as in the experiment or, for a call, as an option.

    Of a mapping its values stand in their order between colons, and any of them may be left out.
    """
    if isinstance(dimension.written, Keys):
        return _meaning_in_parts(dimension, text)
    if is_topology_key(dimension.name):
        (meant,) = dimension.assignments(value_from(text))
        return meant
    for read in _readings(dimension):
        try:
            (meant,) = dimension.assignments(read(text))
        except ValueError:
            continue
        return meant
    return None


def _meaning_in_parts(dimension: Dimension, text: str) -> Given | None:
    left = iter(_keys(dimension).values())
    given: dict[str, Scalar] = {}
    for part in text.split(":"):
        for key, coordinate in left:
            if (value := _value(key, part)) is not None:
                given[coordinate.name] = value[0]
                break
        else:
            return None
    return given


def _meaning_of_key(key: Key, coordinate: Coordinate[Any], text: str) -> Given | None:
    value = _value(key, text)
    return None if value is None else {coordinate.name: value[0]}


def _value(key: Key, text: str) -> tuple[Scalar] | None:
    """What a text is as the value of a key; None where it cannot be one."""
    for read in _readings():
        try:
            return (key.parse(read(text)),)
        except ValueError:
            continue
    return None


def _readings(dimension: Dimension | None = None) -> list[Callable[[str], object]]:
    """How a text may stand for what is written in an experiment: as words, or as a number."""
    option = dimension.option if dimension else None
    return [*([option.read] if option else []), str, int]


def _values(choice: _Choice, points: Iterable[Point]) -> str:
    """What the points have there, in words; the first of very many."""
    some = choice.dimension.coordinates
    said = list(dict.fromkeys(in_words(point, some) or USUAL for point in points))
    left = [f"and {len(said) - MOST_LISTED} more"] if len(said) > MOST_LISTED else []
    return "; ".join([*said[:MOST_LISTED], *left])
