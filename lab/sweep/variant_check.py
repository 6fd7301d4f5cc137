"""The topologies of an experiment, checked before its first call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lab.sweep.grid import Axis
from lab.sweep.point import Point
from lab.sweep.variants import changes_of, variant_of
from lab.topology.load import mistakes_in
from lab.topology.mistakes import Mistake, Path
from lab.topology.variant import value_text


def mistakes_of(axes: Sequence[Axis], points: Sequence[Point], topology: str) -> list[Mistake]:
    """What is wrong with a topology, given as YAML, when its keys have the values of the points.

    Paths are those of the axes. The topology itself has no mistake, nor have the values by
    themselves of an axis of which only the first few are meant: the whole axis is checked apart.
    """
    rendered = [axis for axis in axes if axis.dimension.topology]
    found = [*_changed_twice(rendered)]
    for axis in rendered:
        if axis.most is None:
            found += _mistakes_along(axis, topology)
    if found or len(rendered) < 2:
        return found
    variants = {variant_of(point): point for point in points}
    return [mistake for point in variants.values() for mistake in _mistakes_at(point, topology)]


def _keys_of(axis: Axis) -> list[Path]:
    keys = [key for changes in _changes_along(axis) for key in changes]
    return [tuple(key.split(".")) for key in dict.fromkeys(keys)]


def _changes_along(axis: Axis) -> Iterator[dict[str, Any]]:
    """For every value on the axis what it changes by itself."""
    for written in axis.written:
        (meant,) = axis.dimension.assignments(written)
        yield changes_of(Point("", **meant))


def _changed_twice(axes: Sequence[Axis]) -> Iterator[Mistake]:
    taken: dict[Path, Axis] = {}
    for axis in axes:
        for key in _keys_of(axis):
            for other, by in taken.items():
                if key[: len(other)] == other[: len(key)]:
                    text = f"changes {_dotted(key)}, which {_dotted(by.path)} changes too"
                    yield Mistake(axis.path, text)
        taken |= dict.fromkeys(_keys_of(axis), axis)


def _dotted(path: Path) -> str:
    return ".".join(str(key) for key in path)


def _mistakes_along(axis: Axis, topology: str) -> list[Mistake]:
    told = []
    for changes in _changes_along(axis):
        keys = [tuple(key.split(".")) for key in changes]
        found = mistakes_in(topology, changes)
        told.append([_in_words(mistake, keys) for mistake in found])
    common = set(told[0]).intersection(*told[1:]) if len(told) > 1 else set()
    return [Mistake(axis.path, text) for text in told[0] if text in common] + [
        Mistake((*axis.path, index), text)
        for index, texts in enumerate(told)
        for text in texts
        if text not in common
    ]


def _in_words(mistake: Mistake, keys: Sequence[Path]) -> str:
    """A mistake of the topology where one of `keys` is not what it may be."""
    if any(mistake.path == key for key in keys):
        return mistake.message
    return f"spoils the topology: {mistake.place}: {mistake.message}"


def _mistakes_at(point: Point, topology: str) -> Iterator[Mistake]:
    changes = changes_of(point)
    with_them = ", ".join(f"{key} {value_text(value)}" for key, value in changes.items())
    for mistake in mistakes_in(topology, changes):
        text = f"spoils the topology with {with_them}: {mistake.place}: {mistake.message}"
        yield Mistake((), text)
