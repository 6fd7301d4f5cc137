"""The topologies of an experiment: which keys of it have another value at a point."""

from __future__ import annotations

from collections.abc import Hashable
from functools import reduce
from typing import Any

from lab.sweep.point import Point, coordinates, dimensions_of


def variant_of(point: Point) -> Hashable:
    """What the topology depends on: the lab is brought up anew where it differs."""
    rendered = [dimension for dimension in dimensions_of([point]) if dimension.topology]
    values = {item.name: point[item] for item in coordinates(rendered)}
    return tuple((name, value) for name, value in values.items() if value is not None)


def changes_of(point: Point) -> dict[str, Any]:
    """Keys of the topology that have another value at a point, with that."""
    changes = [each.topology(point) for each in dimensions_of([point]) if each.topology]
    return reduce(lambda all_of_them, some: all_of_them | dict(some), changes, {})
