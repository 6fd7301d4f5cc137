"""The circuits of the call under way, drawn beside the links that they go over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import hypot

from lab.ends import CALLER
from lab.web import amounts
from lab.web.drawing.layout import Layout, Spot
from lab.web.marks import Mark, mark
from lab.web.topology.plan import Hop, Plan

BESIDE = 8.0
"""How far from a link the circuits over it are drawn."""
BOW = 0.14
"""How far a way between two places is bent, of its length."""
CAPTIONED = 90.0
"""How long a way between two places has to be drawn for its delay to stand at it."""


def numbers(plan: Plan, circuits: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Machine → its place on the caller's circuit, a digit, and on the callee's, a letter."""
    found: dict[str, str] = {}
    for end, relays in circuits.items():
        for place, relay in enumerate(relays):
            machine = plan.machine_of(relay)
            if machine is not None:
                sign = str(place + 1) if end == CALLER else chr(ord("a") + place)
                found[machine] = found.get(machine, "") + sign
    return found


def lit(plan: Plan, layout: Layout, ways: Mapping[str, Sequence[Hop]]) -> Iterator[Mark]:
    """The circuits of the call, each beside the links it goes over."""
    for end, hops in ways.items():
        side = 1.0 if end == CALLER else -1.0
        captions = []
        for hop in hops:
            yield mark("path", None, d=_path(layout, hop, side), class_=f"lab-lit {end}")
            delay_ms = plan.delays_ms.get((hop.start, hop.network, hop.end))
            if delay_ms and layout.view != "chain" and _span(layout, hop) >= CAPTIONED:
                captions.append((_top_of(layout, hop, side), amounts.milliseconds(delay_ms)))
        for spot, text in captions:
            yield mark("text", None, text, x=spot.x, y=spot.y, class_=f"lit-{end}")


def _path(layout: Layout, hop: Hop, side: float) -> str:
    start, end = layout.machines[hop.start], layout.machines[hop.end]
    near, far = layout.ends[hop.start, hop.network], layout.ends[hop.end, hop.network]
    if layout.view == "chain":
        points = [*_shifted(start, near, side), *_shifted(near, end, side)]
        return "M" + "L".join(f"{one.x:.1f} {one.y:.1f}" for one in points)
    bend = _bend(near, far, side)
    return f"M{near.x:.1f} {near.y:.1f}Q{bend.x:.1f} {bend.y:.1f} {far.x:.1f} {far.y:.1f}"


def _span(layout: Layout, hop: Hop) -> float:
    """How far apart the ends of a hop are drawn."""
    near, far = layout.ends[hop.start, hop.network], layout.ends[hop.end, hop.network]
    return hypot(far.x - near.x, far.y - near.y)


def _normal(start: Spot, end: Spot) -> Spot:
    """Across a line, of length 1; upwards, or to the right of one that is upright."""
    length = hypot(end.x - start.x, end.y - start.y) or 1.0
    x, y = (end.y - start.y) / length, -(end.x - start.x) / length
    return Spot(-x, -y) if y > 0.01 or (abs(y) <= 0.01 and x < 0) else Spot(x, y)


def _shifted(start: Spot, end: Spot, side: float) -> tuple[Spot, Spot]:
    across = _normal(start, end)
    x, y = across.x * BESIDE * side, across.y * BESIDE * side
    return Spot(start.x + x, start.y + y), Spot(end.x + x, end.y + y)


def _bend(start: Spot, end: Spot, side: float) -> Spot:
    across = _normal(start, end)
    bow = max(hypot(end.x - start.x, end.y - start.y) * BOW, 14.0) * side
    return Spot((start.x + end.x) / 2 + across.x * bow, (start.y + end.y) / 2 + across.y * bow)


def _top_of(layout: Layout, hop: Hop, side: float) -> Spot:
    """The middle of a bent way."""
    near, far = layout.ends[hop.start, hop.network], layout.ends[hop.end, hop.network]
    bend = _bend(near, far, side)
    return Spot((near.x + far.x) / 4 + bend.x / 2, (near.y + far.y) / 4 + bend.y / 2)
