"""Any key of the topology as a dimension: `tor.circuit`, `nodes.server.links.hosting.delay`.

Such a dimension has no module: it is made from its name, which is the key's with a prefix. Its
value in a point is text, as it could stand in a topology file. Keys may vary together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from lab.lazy import Lazy
from lab.sweep.dimension import Coordinate, Dimension
from lab.sweep.written import Key, Keys, Scalar

GRID_KEY = "topology"
"""Where such dimensions stand in the grid, and in `fit`."""
PREFIX = f"{GRID_KEY}."

_TEXT: Lazy[Callable[[Any], str]] = Lazy("lab.topology.variant", "value_text")
_VALUE: Lazy[Callable[[str], Any]] = Lazy("lab.topology.variant", "value_from")


def is_topology_key(name: str) -> bool:
    """Whether a coordinate of that name is one of the topology's keys."""
    return name.startswith(PREFIX)


def _text(value: object) -> str:
    return _TEXT.load()(value)


@lru_cache
def topology_key(name: str) -> Dimension:
    """The dimension of the key that `name` is with the prefix."""
    key = name.removeprefix(PREFIX)

    def in_words(text: str | None) -> str | None:
        return None if text is None else f"{key} {text}"

    coordinate: Coordinate[str | None] = Coordinate(name, None, words=in_words)
    return Dimension(
        name=name,
        description=f"{key} of the topology.",
        position=1000,
        turns=0,
        coordinates=(coordinate,),
        written=Key(_text, dict),
        usual=None,
        label=lambda point: None if point[coordinate] is None else f"{key}={point[coordinate]}",
        topology=lambda point: (
            {} if (text := point[coordinate]) is None else {key: _VALUE.load()(text)}
        ),
        choice=key,
        may_fit=True,
    )


def topology_keys(mappings: Sequence[Mapping[str, Any]]) -> Dimension:
    """The dimension of keys that vary together, one value being a whole mapping of them.

    A key that a mapping does not name is the topology's own there. In points each key is a
    dimension by itself, so this one stands in the grid alone.
    """
    keys = {key: topology_key(PREFIX + key) for mapping in mappings for key in mapping}

    def meaning(written: Mapping[str, Any]) -> list[tuple[Scalar, ...]]:
        return [tuple(_text(written[key]) if key in written else None for key in keys)]

    return Dimension(
        name=GRID_KEY,
        description="Keys of the topology that vary together.",
        position=1000,
        turns=0,
        coordinates=tuple(item for each in keys.values() for item in each.coordinates),
        written=Keys("Keys of the topology, each with its value.", {}, meaning),
        usual=None,
        topology=lambda point: {
            key: value
            for each in keys.values()
            if each.topology
            for key, value in each.topology(point).items()
        },
        may_fit=True,
    )
