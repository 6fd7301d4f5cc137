"""The grid of an experiment → its points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, cast

from lab.sweep.dimension import Dimension
from lab.sweep.dimensions import DIMENSIONS
from lab.sweep.point import Point
from lab.sweep.topology_key import GRID_KEY, PREFIX, topology_key, topology_keys
from lab.sweep.written import Scalar
from lab.topology.mistakes import Path


@dataclass(frozen=True, slots=True)
class Axis:
    """A dimension with the values that it has in turn."""

    dimension: Dimension
    path: Path
    """Where they are listed, from the grid on."""
    written: Sequence[Any]


def axes_of(grid: Mapping[str, Any]) -> Iterator[Axis]:
    """Every dimension of which a checked grid says something."""
    for name, written in grid.items():
        if name == GRID_KEY and isinstance(written, list):
            yield Axis(topology_keys(written), (GRID_KEY,), written)
        elif name == GRID_KEY:
            for key, values in written.items():
                yield Axis(topology_key(PREFIX + key), (GRID_KEY, key), values)
        elif written:
            yield Axis(DIMENSIONS.named(name), (name,), written)


def points_of(axes: Sequence[Axis]) -> tuple[Point, ...]:
    """Every combination that makes a difference, once."""
    turning = sorted(axes, key=lambda axis: (axis.dimension.turns, axis.dimension.name))
    values: list[list[dict[str, Scalar]]] = [
        [meant for written in axis.written for meant in axis.dimension.assignments(written)]
        for axis in turning
    ]
    points = {
        Point(**cast(dict[str, Any], _merged(choice))).normalised(): None
        for choice in product(*values)
    }
    return tuple(points)


def _merged(choice: Sequence[Mapping[str, Scalar]]) -> dict[str, Scalar]:
    return {name: value for each in choice for name, value in each.items()}
