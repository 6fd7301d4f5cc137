"""The lab as its packets see it, drawn: land and places, links, circuits of the call, nodes."""

from __future__ import annotations

from collections.abc import Iterator

from lab.web.drawing.circuits import lit, numbers
from lab.web.drawing.layout import GLYPH, Layout, Looks
from lab.web.drawing.links import labels, lines
from lab.web.drawing.map import outline
from lab.web.drawing.nodes import nodes
from lab.web.marks import Mark, mark
from lab.web.now import LabNow
from lab.web.topology.links import Read, links_shown
from lab.web.topology.plan import Plan

STYLE = """
.lab-drawing { display: block; max-width: none; user-select: none }
.lab-drawing text { font: 11px system-ui, sans-serif; fill: var(--text); text-anchor: middle;
  paint-order: stroke; stroke: var(--panel); stroke-width: 3px; stroke-linejoin: round }
.lab-drawing .name { font-weight: 600; font-size: 12px }
.lab-drawing .faint { fill: var(--quiet) }
.lab-drawing .wrong { fill: var(--bad); font-weight: 600 }
.lab-drawing .start { text-anchor: start } .lab-drawing .end { text-anchor: end }
.lab-land { fill: var(--land); fill-rule: evenodd }
.lab-place { fill: var(--quiet) }
.lab-drawing, .lab-legend { --land: #e2e6ea; --full: #c62828; --waiting: #b26a00;
  --empty: #1a7f37; --callee: #8a2f9e }
.body--dark .lab-drawing, .body--dark .lab-legend { --land: #262e38; --full: #ff6b60;
  --waiting: #e0a030; --empty: #3fb950; --callee: #d79bf0 }
.lab-drawing [tabindex]:focus-visible { outline: none }
.lab-link { cursor: pointer }
.lab-link .wire { stroke: var(--quiet); stroke-linecap: round }
.lab-link.empty .wire { stroke: var(--empty) } .lab-link.waiting .wire { stroke: var(--waiting) }
.lab-link.full .wire { stroke: var(--full) }
.lab-link.down .wire { stroke: var(--bad); stroke-dasharray: 2 6 }
.lab-link .hit { stroke: transparent; stroke-width: 18 }
.lab-link:hover .hit, .lab-link:focus-visible .hit, .lab-link.selected .hit {
  stroke: var(--accent); stroke-opacity: .3 }
.lab-badge rect { fill: var(--panel); stroke: var(--quiet) }
.lab-badge text { stroke: none; font-size: 10px; font-weight: 600 }
.lab-badge.empty rect { stroke: var(--empty) } .lab-badge.waiting rect { stroke: var(--waiting) }
.lab-badge.full rect { fill: var(--full); stroke: var(--full) }
.lab-badge.full text { fill: var(--page) }
.lab-node, .lab-guest { cursor: pointer }
.lab-node .sign, .lab-guest rect { fill: var(--page); stroke: var(--text); stroke-width: 1.5 }
.lab-guest rect { stroke: var(--quiet) }
.lab-node.broken .sign, .lab-guest.broken rect { stroke: var(--bad); stroke-dasharray: 3 2 }
.lab-node .hit { fill: transparent }
.lab-node .letter { font-weight: 700; stroke: none; font-size: 13px }
.lab-node.caller-way .sign { stroke: var(--accent); stroke-width: 3 }
.lab-node.callee-way .sign { stroke: var(--callee); stroke-width: 3 }
.lab-node:hover .sign, .lab-node:focus-visible .sign, .lab-guest:hover rect,
.lab-guest:focus-visible rect, .selected .sign, .lab-guest.selected rect {
  stroke: var(--accent); stroke-width: 4 }
.lab-node.unlabelled text:not(.letter) { visibility: hidden }
.lab-node.unlabelled:hover text, .lab-node.unlabelled:focus-visible text,
.lab-node.unlabelled.selected text { visibility: visible }
.lab-hub { fill: var(--panel); stroke: var(--quiet); stroke-width: 1.5 }
.lab-lit { fill: none; stroke-width: 3; pointer-events: none }
.lab-lit.caller { stroke: var(--accent); stroke-dasharray: 11 5 }
.lab-lit.callee { stroke: var(--callee); stroke-dasharray: 3 5; stroke-linecap: round }
.lab-drawing .lit-caller { fill: var(--accent) } .lab-drawing .lit-callee { fill: var(--callee) }
"""
"""Over the variables of the page."""


def drawing(plan: Plan, now: LabNow, read: Read, looks: Looks) -> Mark:
    """The lab at this moment, as SVG."""
    layout = looks.layout
    links = list(links_shown(plan, now, read))
    ways = plan.way_of_call(now.call.method, now.call.circuits) if now.call else {}
    relays = numbers(plan, now.call.circuits if now.call else {})
    return mark(
        "svg",
        "drawing",
        (
            mark("g", None, tuple(_ground(layout))),
            mark("g", "drawn-links", tuple(lines(links, looks))),
            mark("g", "drawn-lit", tuple(lit(plan, layout, ways))),
            mark("g", "drawn-labels", tuple(labels(layout, links))),
            mark("g", "drawn-hubs", tuple(_hubs(layout))),
            mark("g", "drawn-nodes", tuple(nodes(plan, now, links, looks, ways, relays))),
        ),
        class_="lab-drawing",
        viewBox=f"0 0 {layout.width:.0f} {layout.height:.0f}",
        width=f"{layout.width:.0f}",
        height=f"{layout.height:.0f}",
        role="group",
        aria_label="The lab as its packets see it; its nodes and links are buttons",
    )


def _ground(layout: Layout) -> Iterator[Mark]:
    if layout.projection is not None:
        yield mark("path", d=outline(layout.projection), class_="lab-land")
    for name, spot in layout.places.items():
        title = mark("title", None, name)
        yield mark("circle", None, (title,), cx=spot.x, cy=spot.y, r=3, class_="lab-place")


def _hubs(layout: Layout) -> Iterator[Mark]:
    for network, spot in layout.hubs.items():
        yield mark("circle", cx=spot.x, cy=spot.y, r=6, class_="lab-hub")
        yield mark("text", None, network, x=spot.x, y=spot.y + GLYPH + 16, class_="faint")
