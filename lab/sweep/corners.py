"""The corners of an experiment: named sets of points beside its design."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lab.sweep.grid import Axis, axes_of
from lab.sweep.raw import RawCorner, RawExperiment, checked_name, lists_of
from lab.sweep.topology_key import GRID_KEY, PREFIX, is_topology_key, topology_key
from lab.topology.mistakes import Mistake, Path, did_you_mean, quoted


def corner_axes(raw: RawExperiment, name: str, grid: Sequence[Axis], quick: bool) -> list[Axis]:
    """What varies in a corner: what it says itself, and of all else the grid's first value."""
    own = _own_axes(raw, name, quick)
    decided = {item.name for axis in own for item in axis.dimension.coordinates}
    return own + [
        first
        for axis in grid
        for first in _first_of(axis)
        if not decided.intersection(item.name for item in first.dimension.coordinates)
    ]


def _own_axes(raw: RawExperiment, name: str, quick: bool) -> list[Axis]:
    """What the corner says, key by key; in a quick run what it says for that goes before."""
    own = _by_key(raw.corners[name], ("corners", name))
    if not quick or name not in raw.quick.corners:
        return list(own.values())
    instead = _by_key(raw.quick.corners[name], ("quick", "corners", name))
    if any(key == GRID_KEY or is_topology_key(key) for key in instead) and (
        GRID_KEY in own or GRID_KEY in instead
    ):
        own = {
            key: axis for key, axis in own.items() if key != GRID_KEY and not is_topology_key(key)
        }
    return list((own | instead).values())


def _by_key(corner: RawCorner, path: Path) -> dict[str, Axis]:
    return {axis.dimension.name: axis for axis in axes_of(lists_of(corner), path)}


def _first_of(axis: Axis) -> Iterator[Axis]:
    """The axis with its first value alone; of keys that vary together, each by itself."""
    if axis.dimension.name != GRID_KEY:
        yield replace(axis, written=axis.written[:1], most=1)
        return
    for key, value in axis.written[0].items():
        yield Axis(topology_key(PREFIX + key), (*axis.path, 0), [value])


def mistakes_in_corners(raw: RawExperiment) -> Iterator[Mistake]:
    """Names that cannot be, and corners of quick runs that the experiment has not."""
    for name in raw.corners:
        try:
            checked_name(name)
        except ValueError as error:
            yield Mistake(("corners", name), f"{quoted(name)} {error}")
    for name in raw.quick.corners:
        if name not in raw.corners:
            what = f"is no corner of the experiment{did_you_mean(name, raw.corners)}"
            yield Mistake(("quick", "corners", name), what)
