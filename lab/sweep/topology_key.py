"""Any key of the topology as a dimension: `tor.circuit`, `nodes.server.links.hosting.delay`.

Such a dimension has no module: it is made from its name, which is the key's with a prefix. Its
value in a point is text, as it could stand in a topology file.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lab.lazy import Lazy
from lab.sweep.dimension import Coordinate, Dimension
from lab.sweep.written import Key

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
