"""Where the nodes of a lab are drawn: in a chain of networks, on a map, or on one field."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, sqrt
from typing import Literal

from lab.ends import CALLEE, CALLER
from lab.web.drawing.apart import Box, apart
from lab.web.drawing.map import Projection, projection
from lab.web.topology.plan import Machine, Plan

LETTER = 6.6
"""How wide a letter of a name is at most, px, as it is drawn."""
PILL_HEIGHT, PILLS_A_ROW = 20.0, 2
LABEL_HEIGHT = 44.0
"""The lines of text under a node."""
GLYPH = 16.0
"""From the middle of a node's sign to its edge."""
SMALL_GLYPH = 12.0
"""The same of one whose name is hidden: no smaller than a finger hits (WCAG 2.2, 2.5.8)."""
EDGE = 56.0
"""From the edge of the drawing to the middle of the first node."""
LEAST_STEP, MOST_STEP = 88.0, 132.0
"""From one node of a chain to the next."""
TALLEST_LAYER = 4
"""Nodes one above another in a chain."""
LABELLED = 30
"""Machines; where there are more, relays show their names only while they are looked at."""
LEAST_MAP_WIDTH, LEAST_MAP_HEIGHT, CROWDED_MAP_HEIGHT = 760.0, 420.0, 640.0
"""The last where names are hidden: there is room beside the places then."""
NARROW = 640.0
"""A field narrower than that is higher than wide."""
STUB = 26.0
"""How long a link is drawn that leads to no drawn node."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A point of the drawing, px."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is."""

    view: Literal["chain", "map", "field"]
    """Networks as nodes between machines; places on a map; all on one network beside another."""
    width: float
    height: float
    machines: Mapping[str, Spot]
    ends: Mapping[tuple[str, str], Spot]
    """(machine, network) → the far end of the link."""
    hubs: Mapping[str, Spot] = field(default_factory=dict)
    """Network → its node; only in a chain."""
    places: Mapping[str, Spot] = field(default_factory=dict)
    projection: Projection | None = None
    unlabelled: frozenset[str] = frozenset()
    """Machines whose names are hidden until they are looked at."""


@dataclass(frozen=True, slots=True)
class Looks:
    """How one viewer looks at a drawing."""

    layout: Layout
    selected: str | None = None
    """The key of what is open beside the drawing: `node:caller`, `link:caller:home`."""


def lay_out(plan: Plan, width: float) -> Layout:
    """Where the lab's nodes are on a drawing that is to be `width` wide; a map may be wider."""
    hidden = frozenset[str]()
    if len(plan.machines) > LABELLED:
        hidden = frozenset(one.name for one in plan.machines if one.role in {"relay", "bridge"})
    cities = {one.place.name for one in plan.machines if one.place}
    if len(cities) > 1 and all(one.place for one in plan.machines):
        return _map(plan, max(width, LEAST_MAP_WIDTH), hidden)
    layers = layers_of(plan)
    if max(map(len, layers), default=0) <= TALLEST_LAYER and len(plan.networks) > 1:
        return _chain(plan, layers, width)
    return _field(plan, width, hidden)


def glyph_of(machine: str, unlabelled: frozenset[str]) -> float:
    """From the middle of a machine's sign to its edge."""
    return SMALL_GLYPH if machine in unlabelled else GLYPH


def size_of(machine: Machine, *, labelled: bool = True) -> tuple[float, float]:
    """How wide and high a machine is with its label and its guests."""
    if not labelled:
        return 2 * SMALL_GLYPH, 2 * SMALL_GLYPH
    pills = [pill_width(guest) + 4 for guest in machine.guests]
    rows = [sum(pills[i : i + PILLS_A_ROW]) for i in range(0, len(pills), PILLS_A_ROW)]
    width = max([len(machine.name) * LETTER + 8, 74.0, *rows])
    return width, 2 * GLYPH + LABEL_HEIGHT + PILL_HEIGHT * len(rows)


def pill_width(guest: str) -> float:
    """How wide the sign of a node is that runs on another's machine."""
    return len(guest) * LETTER + 10


def layers_of(plan: Plan) -> list[list[str]]:
    """Machines and networks in turns, as packets of the caller come to them.

    An endpoint behind the same network as the one before, and no other, stands beside that.
    """
    distance: dict[str, int] = {}
    """Machines by their names, networks with a slash in front."""
    by_name = {one.name: one for one in plan.machines}
    order = sorted(by_name, key=lambda name: name != CALLER)
    for first in order:
        if first in distance:
            continue
        distance[first] = max(distance.values(), default=-2) // 2 * 2 + 2
        waiting = deque([first])
        while waiting:
            machine = waiting.popleft()
            for network in by_name[machine].networks:
                if f"/{network}" in distance:
                    continue
                distance[f"/{network}"] = distance[machine] + 1
                for other in plan.members(network):
                    if other not in distance:
                        distance[other] = distance[machine] + 2
                        waiting.append(other)
    for one in plan.machines:
        if one.role == "endpoint" and len(one.networks) == 1 and distance[one.name] >= 2:
            beside = [other for other in plan.members(one.networks[0]) if other != one.name]
            if any(distance[other] == distance[one.name] for other in beside):
                distance[one.name] -= 2
    layers: list[list[str]] = [[] for _ in range(max(distance.values(), default=-1) + 1)]
    for name in (*order, *(f"/{network}" for network in plan.networks)):
        layers[distance[name]].append(name)
    return [layer for layer in layers if layer]


def _chain(plan: Plan, layers: Sequence[Sequence[str]], width: float) -> Layout:
    """Row by row, each other row backwards, as many rows as the width asks for."""
    fitting = max(3, int((width - 2 * EDGE) / LEAST_STEP) + 1)
    rows = ceil(len(layers) / fitting)
    per_row = ceil(len(layers) / rows)
    step = min(MOST_STEP, max(1.0, width - 2 * EDGE) / max(1, per_row - 1))
    left = (width - step * (per_row - 1)) / 2
    by_name = {one.name: one for one in plan.machines}
    found: dict[str, Spot] = {}
    top = 12.0
    for row in range(rows):
        own = layers[row * per_row : (row + 1) * per_row]
        # The middles of all layers of a row are level, whatever stands under their names.
        above, below = zip(*(_reach(layer, by_name) for layer in own), strict=True)
        level = top + max(above)
        for i, layer in enumerate(own):
            x = left + step * (i if row % 2 == 0 else per_row - 1 - i)
            apart_by = _apart(layer, by_name)
            for place, name in enumerate(layer):
                found[name] = Spot(x, level + (place - (len(layer) - 1) / 2) * apart_by)
        top = level + max(below)
    hubs = {network: found[f"/{network}"] for network in plan.networks}
    machines = {name: spot for name, spot in found.items() if name in by_name}
    ends = {(one.name, net): hubs[net] for one in plan.machines for net in one.networks}
    return Layout("chain", width, top, machines, ends, hubs)


def _apart(layer: Sequence[str], machines: Mapping[str, Machine]) -> float:
    """From one of a layer to the next."""
    return max(_under(name, machines) for name in layer) + 2 * GLYPH + 20


def _under(name: str, machines: Mapping[str, Machine]) -> float:
    """What is under the sign of a machine, or of a network."""
    return size_of(machines[name])[1] - 2 * GLYPH if name in machines else 24.0


def _reach(layer: Sequence[str], machines: Mapping[str, Machine]) -> tuple[float, float]:
    """How far a layer reaches above its middle, with the labels of its links, and below."""
    half = (len(layer) - 1) / 2 * _apart(layer, machines)
    return half + GLYPH + 24, half + GLYPH + _under(layer[-1], machines) + 16


def _map(plan: Plan, width: float, hidden: frozenset[str]) -> Layout:
    """Every place where it is; its machines beside each other, as near to it as there is room."""
    at: dict[str, list[Machine]] = {}
    cities = {}
    for one in plan.machines:
        if one.place:
            at.setdefault(one.place.name, []).append(one)
            cities[one.place.name] = one.place
    least_height = CROWDED_MAP_HEIGHT if hidden else LEAST_MAP_HEIGHT
    flat = projection(cities.values(), width, least_height)
    places = {
        name: Spot(*flat.point(place.longitude_deg, place.latitude_deg))
        for name, place in cities.items()
    }
    sizes = {
        one.name: size_of(one, labelled=one.name not in hidden or bool(one.guests))
        for one in plan.machines
    }
    boxes = []
    grids = {}
    for name, machines in at.items():
        columns = min(len(machines), 3 if not hidden else 6)
        grid = [machines[i : i + columns] for i in range(0, len(machines), columns)]
        grids[name] = grid
        wide = max(sum(sizes[one.name][0] for one in row) for row in grid)
        high = sum(max(sizes[one.name][1] for one in row) for row in grid)
        spot = places[name]
        boxes.append(Box(spot.x, spot.y + 14 + high / 2, wide + 4, high + 4))
    dots = [(spot.x, spot.y) for spot in places.values()]
    placed = apart(boxes, dots, width, flat.height)
    spots: dict[str, Spot] = {}
    for (_, grid), box in zip(grids.items(), placed, strict=True):
        y = box.y - box.height / 2 + 2
        for row in grid:
            x = box.x - sum(sizes[one.name][0] for one in row) / 2
            for one in row:
                spots[one.name] = Spot(x + sizes[one.name][0] / 2, y + glyph_of(one.name, hidden))
                x += sizes[one.name][0]
            y += max(sizes[one.name][1] for one in row)
    ends = {
        (one.name, network): places[one.place.name]
        for one in plan.machines
        if one.place
        for network in one.networks
    }
    return Layout(
        "map",
        width,
        flat.height,
        spots,
        ends,
        places=places,
        projection=flat,
        unlabelled=hidden,
    )


def _field(plan: Plan, width: float, hidden: frozenset[str]) -> Layout:
    """Those who call at one side, the servers and the callee at the other, relays between."""
    calling, passing, serving = [], [], []
    for one in plan.machines:
        if one.role == "endpoint" and one.name != CALLEE:
            calling.append(one)
        elif one.role in {"relay", "bridge", "onion-service", "router"}:
            passing.append(one)
        else:
            serving.append(one)
    groups = [sorted(calling, key=lambda one: one.name != CALLER), passing, serving]
    groups = [group for group in groups if group]
    spots: dict[str, Spot] = {}
    if width < NARROW:
        top = 0.0
        for group in groups:
            top = _grid(group, hidden, spots, (0.0, top, width))
        height = top
    else:
        side = max([size_of(one)[0] for group in (calling, serving) for one in group] or [0.0]) + 24
        middle = width - 2 * side
        bottoms = []
        for group in groups:
            if group is passing:
                bottoms.append(_grid(group, hidden, spots, (side, 0.0, middle)))
            else:
                left = 0.0 if group is groups[0] else width - side
                bottoms.append(_grid(group, hidden, spots, (left, 0.0, side)))
        height = max(bottoms, default=0.0)
        for group, bottom in zip(groups, bottoms, strict=True):
            for one in group:
                spot = spots[one.name]
                spots[one.name] = Spot(spot.x, spot.y + (height - bottom) / 2)
    ends = {
        (one.name, network): _stub(spots[one.name], i, len(one.networks))
        for one in plan.machines
        for i, network in enumerate(one.networks)
    }
    return Layout("field", width, height + 8, spots, ends, unlabelled=hidden)


def _stub(spot: Spot, number: int, of: int) -> Spot:
    return Spot(spot.x + (number - (of - 1) / 2) * 18, spot.y - GLYPH - STUB)


def _grid(
    group: Sequence[Machine],
    hidden: frozenset[str],
    spots: dict[str, Spot],
    room: tuple[float, float, float],
) -> float:
    """Put a group into a room (left, top, width), row by row; the bottom."""
    left, top, width = room
    sizes = [size_of(one, labelled=one.name not in hidden) for one in group]
    wide = max(size[0] for size in sizes) + 12
    high = max(size[1] for size in sizes) + STUB + 16
    columns = max(1, min(len(group), int(width / wide), ceil(sqrt(len(group) * 2.2))))
    columns = ceil(len(group) / ceil(len(group) / columns))
    step = min(width / columns, max(wide, 170.0))
    for i, one in enumerate(group):
        row, column = divmod(i, columns)
        in_row = min(columns, len(group) - row * columns)
        x = left + width / 2 + (column - (in_row - 1) / 2) * step
        spots[one.name] = Spot(x, top + row * high + STUB + GLYPH + 8)
    return top + ceil(len(group) / columns) * high
