"""The grid of an experiment → its axes, and the points that rows of their values stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path as FilePath
from typing import Any, cast

from lab.sweep.dimension import Dimension
from lab.sweep.dimensions import DIMENSIONS
from lab.sweep.point import Point
from lab.sweep.topology_key import GRID_KEY, PREFIX, topology_key, topology_keys
from lab.sweep.written import Scalar
from lab.topology.mistakes import Path

MAX_POINTS = 5000
"""Points that an experiment may have."""

Row = tuple[int, ...]
"""Of each axis, in the order of `Grid.axes`, which of its values it has, counted from 0."""


@dataclass(frozen=True)
class Axis:
    """A dimension with the values that it has in turn."""

    dimension: Dimension
    path: Path
    """Where they are listed in the file."""
    written: Sequence[Any]
    most: int | None = None
    """How many of the values, from the first on, are meant; None: all."""

    @cached_property
    def values(self) -> tuple[Mapping[str, Scalar], ...]:
        """What they mean, coordinates by name, each once."""
        means = [meant for each in self.written for meant in self.dimension.assignments(each)]
        return tuple({tuple(meant.items()): meant for meant in means}.values())[: self.most]

    @property
    def name(self) -> str:
        """Its key as a user writes it."""
        return self.dimension.name.removeprefix(PREFIX)


class Grid:
    """Axes in the order in which points turn, whichever they were written in."""

    def __init__(self, axes: Iterable[Axis]) -> None:
        self.axes = tuple(
            sorted(axes, key=lambda axis: (axis.dimension.turns, axis.dimension.name))
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values each axis has."""
        return tuple(len(axis.values) for axis in self.axes)

    def point(self, row: Sequence[int]) -> Point:
        """The point that a row stands for, without what has no effect there."""
        chosen = [axis.values[index] for axis, index in zip(self.axes, row, strict=True)]
        merged = {name: value for each in chosen for name, value in each.items()}
        return Point(**cast(dict[str, Any], merged)).normalised()


def axes_of(grid: Mapping[str, Any], path: Path = ()) -> Iterator[Axis]:
    """Every dimension of which a checked grid, written at `path`, says something."""
    for name, written in grid.items():
        if name == GRID_KEY and isinstance(written, list):
            yield Axis(topology_keys(written), (*path, GRID_KEY), written)
        elif name == GRID_KEY:
            for key, values in written.items():
                yield Axis(topology_key(PREFIX + key), (*path, GRID_KEY, key), values)
        elif written:
            yield Axis(DIMENSIONS.named(name), (*path, name), written)


def with_files(axis: Axis, directory: FilePath) -> Axis:
    """The axis with the files that its values name in `directory`; LabError where none is."""
    found = axis.dimension.found
    if found is None:
        return axis
    files = [value for each in axis.written for value in found(each, directory)]
    return replace(axis, written=files)


def every_row(sizes: Sequence[int]) -> Iterator[Row]:
    """Every combination of values."""
    return product(*map(range, sizes))


def points_of(axes: Iterable[Axis]) -> tuple[Point, ...]:
    """Every combination that makes a difference, once."""
    grid = Grid(axes)
    return tuple(dict.fromkeys(map(grid.point, every_row(grid.sizes))))
