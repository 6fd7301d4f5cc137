"""Whether links kept the shapes with which a call began, whoever may have changed them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from lab.wire.probe import LinkShapes, ShapesSeen
from lab.wire.shape import Direction, Shape


def shape_faults(shapes: Mapping[str, ShapesSeen]) -> list[str]:
    """What changed, by machine; empty where nothing did."""
    faults: list[str] = []
    for machine, seen in shapes.items():
        changed = [
            changed_shape(f"{machine}/{network}/{direction}", before, after)
            for network, direction in product(seen.before, Direction)
            if (before := _one(seen.before[network], direction))
            != (after := _one(seen.after[network], direction))
        ]
        if seen.changes and not changed:
            changed = [f"links of {machine} were shaped anew during the call, and put back"]
        faults += changed
    return faults


def changed_shape(point: str, before: Shape | None, after: Shape | None) -> str:
    """A change in a sentence; None is a shape that is none of the lab's making."""
    was, became = (str(shape) if shape else "what no lab sets" for shape in (before, after))
    return f"the shape of {point} changed during the call, from {was} to {became}"


def _one(shapes: LinkShapes, direction: Direction) -> Shape | None:
    return shapes.sends if direction is Direction.OUT else shapes.receives
