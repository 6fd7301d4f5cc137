"""The lab as its packets see it, drawn: nodes, links, queues, the circuits of the call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, log10

from lab.ends import CALLER
from lab.web import amounts
from lab.web.layout import GLYPH, LABEL_HEIGHT, LETTER, PILLS_A_ROW, Layout, Spot, pill_width
from lab.web.links import RUNNING, LinkShown, Read, links_shown
from lab.web.map import outline
from lab.web.marks import Mark, mark
from lab.web.now import LabNow
from lab.web.plan import Hop, Machine, Plan

THINNEST, THICKEST = 1.5, 10.0
BESIDE = 8.0
"""How far from a link the circuits over it are drawn."""
BOW = 0.14
"""How far a way between two places is bent, of its length."""
CAPTIONED = 90.0
"""How long a way between two places has to be drawn for its delay to stand at it."""
SIDES = {"endpoint": 0, "relay": 6, "bridge": 6, "onion-service": 6, "router": 4}
"""Role → corners of its sign, 0 for a circle; a square for those that serve."""
CROSS = "\u00d7"
SIGNS = {"paused": "‖", "created": "…", "restarting": "…"}
"""State → what stands in a node's sign; a cross for others that do not run."""
QUEUE_WORDS = {
    "none": "no cap",
    "unread": "queue not read",
    "empty": "queue empty",
    "waiting": "packets wait",
    "full": "queue half full or dropping",
}
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
.lab-drawing { --land: #e2e6ea; --full: #c62828; --waiting: #b26a00; --empty: #1a7f37;
  --callee: #8a2f9e }
.body--dark .lab-drawing, .body--dark .lab-legend { --land: #262e38; --full: #ff6b60;
  --waiting: #e0a030; --empty: #3fb950; --callee: #d79bf0 }
.lab-legend { --full: #c62828; --waiting: #b26a00; --empty: #1a7f37; --callee: #8a2f9e }
.lab-link { cursor: pointer; outline: none }
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
.lab-node, .lab-guest { cursor: pointer; outline: none }
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


@dataclass(frozen=True, slots=True)
class Looks:
    """How one viewer looks at it."""

    layout: Layout
    selected: str | None = None
    """The key of what is open beside the drawing: `node:caller`, `link:caller:home`."""


def drawing(plan: Plan, now: LabNow, read: Read, looks: Looks) -> Mark:
    """The lab at this moment, as SVG."""
    layout = looks.layout
    links = list(links_shown(plan, now, read))
    ways = plan.way_of_call(now.call.method, now.call.circuits) if now.call else {}
    numbers = _numbers(plan, now.call.circuits if now.call else {})
    return mark(
        "svg",
        "drawing",
        (
            mark("g", None, tuple(_ground(layout))),
            mark("g", "drawn-links", tuple(_link(i, one, looks) for i, one in enumerate(links))),
            mark("g", "drawn-lit", tuple(_lit(plan, layout, ways))),
            mark("g", "drawn-labels", tuple(_labels(layout, links))),
            mark("g", "drawn-hubs", tuple(_hubs(layout))),
            mark("g", "drawn-nodes", tuple(_nodes(plan, now, links, looks, ways, numbers))),
        ),
        class_="lab-drawing",
        viewBox=f"0 0 {layout.width:.0f} {layout.height:.0f}",
        width=f"{layout.width:.0f}",
        height=f"{layout.height:.0f}",
        role="group",
        aria_label="The lab as its packets see it; its nodes and links are buttons",
    )


def thickness(kbps: float | None) -> float:
    """How thick a link is drawn that carries so much, px; by its logarithm."""
    grown = THINNEST + 2 * log10(1 + (kbps or 0) / 10)
    return round(min(THICKEST, grown), 1)


def _ground(layout: Layout) -> Iterator[Mark]:
    if layout.projection is not None:
        yield mark("path", d=outline(layout.projection), class_="lab-land")
    for name, spot in layout.places.items():
        title = mark("title", None, name)
        yield mark("circle", None, (title,), cx=spot.x, cy=spot.y, r=3, class_="lab-place")


def _link(number: int, link: LinkShown, looks: Looks) -> Mark:
    """The line from a node to its network."""
    start, end = _line(looks.layout, link)
    ends = {"x1": start.x, "y1": start.y, "x2": end.x, "y2": end.y}
    name = f"link-{number}"
    down = " down" if link.is_down else ""
    selected = " selected" if looks.selected == link.key else ""
    parts = [
        mark("title", f"{name}-title", _link_title(link)),
        mark("line", None, (), ends, class_="hit"),
        mark(
            "line", f"{name}-wire", (), ends, class_="wire", stroke_width=thickness(link.sent_kbps)
        ),
        mark("g", f"{name}-badge", tuple(_badge(link, start, end)), class_=_badge_class(link)),
    ]
    return mark(
        "g",
        name,
        parts,
        class_=f"lab-link {link.queue}{down}{selected}",
        tabindex="0",
        role="button",
        data_what=link.key,
        aria_label=f"link of {link.node} to {link.network}",
    )


def _badge_class(link: LinkShown) -> str:
    return f"lab-badge {link.queue}"


def _badge(link: LinkShown, start: Spot, end: Spot) -> Iterator[Mark]:
    """How many packets wait; a cross where nothing passes."""
    text = CROSS if link.is_down else "" if link.waiting is None else str(link.waiting)
    if text:
        x, y = (start.x + end.x) / 2, (start.y + end.y) / 2
        wide = 8.0 + 6 * len(text)
        yield mark("rect", x=x - wide / 2, y=y - 7, width=wide, height=14, rx=3)
        yield mark("text", None, text, x=x, y=y + 3.5)


def _link_title(link: LinkShown) -> str:
    lines = [
        f"{link.node} on {link.network}, {link.address}",
        f"cap {link.rate}" + (f", {link.way}" if link.way else ""),
        f"sends {link.load}, receives {amounts.rate(link.received_kbps)}",
        f"queue: {link.queue_words}",
    ]
    return "\n".join([*lines, f"fault: {link.fault}"] if link.fault else lines)


def _line(layout: Layout, link: LinkShown) -> tuple[Spot, Spot]:
    """From the edge of the node's sign to the far end."""
    node, end = layout.machines[link.node], layout.ends[link.node, link.network]
    length = hypot(end.x - node.x, end.y - node.y)
    part = min(1.0, GLYPH / length) if length else 0.0
    return Spot(node.x + (end.x - node.x) * part, node.y + (end.y - node.y) * part), end


def _labels(layout: Layout, links: Sequence[LinkShown]) -> Iterator[Mark]:
    """The figures of links, where there is room for them beside their lines."""
    if layout.view != "chain":
        return
    for number, link in enumerate(links):
        start, end = _line(layout, link)
        lines = [
            mark("tspan", f"label-{number}-{part}", text, x=x, y=y)
            for part, (text, x, y) in enumerate(_label_lines(layout, link, start, end))
        ]
        name = f"label-{number}"
        side = _side(layout, start, end)
        yield mark("text", name, lines, class_=f"{side} {'wrong' if link.fault else ''}".strip())


def _side(layout: Layout, start: Spot, end: Spot) -> str:
    """How a link's label is anchored: beside a steep line, over and under a flat one."""
    if abs(end.y - start.y) <= 0.3 * abs(end.x - start.x):
        return "middle"
    return "end" if (start.x + end.x) / 2 > layout.width - 90 else "start"


def _label_lines(
    layout: Layout, link: LinkShown, start: Spot, end: Spot
) -> Iterator[tuple[str, float, float]]:
    """Text, x and y of three lines: what is wrong or what is on the way, the cap, the load."""
    x, y = (start.x + end.x) / 2, (start.y + end.y) / 2
    note = link.fault or _short(link.way)
    load = amounts.rate(link.sent_kbps) if link.sent_kbps is not None else ""
    side = _side(layout, start, end)
    if side == "middle":
        heights = (y - 27, y - 14, y + 22)
    else:
        x += 12 if side == "start" else -12
        rises = (end.y - start.y) * (end.x - start.x) < 0
        upwards = y - 30 if not rises else y + 12
        heights = (upwards, upwards + 12, upwards + 24)
        if abs(end.x - start.x) < 10:
            # Above the labels of the row below, and under what hangs from the row above.
            lower = end.y if end.y > start.y else start.y + GLYPH
            heights = (lower - 54, lower - 42, lower - 30)
    yield from zip((note, link.rate, load), (x,) * 3, heights, strict=True)


def _short(way: str) -> str:
    """What there is room for beside a link: the delay alone, or the first word of the rest."""
    first = way.split(", ", maxsplit=1)[0]
    return first if len(first) <= 14 else "takes time"


def _hubs(layout: Layout) -> Iterator[Mark]:
    for network, spot in layout.hubs.items():
        yield mark("circle", cx=spot.x, cy=spot.y, r=6, class_="lab-hub")
        yield mark("text", None, network, x=spot.x, y=spot.y + GLYPH + 16, class_="faint")


def _nodes(
    plan: Plan,
    now: LabNow,
    links: Sequence[LinkShown],
    looks: Looks,
    ways: Mapping[str, Sequence[Hop]],
    numbers: Mapping[str, str],
) -> Iterator[Mark]:
    by_machine: dict[str, list[LinkShown]] = {}
    for link in links:
        by_machine.setdefault(link.node, []).append(link)
    on_way: dict[str, str] = {}
    for whose, hops in ways.items():
        for hop in hops:
            on_way.setdefault(hop.start, whose)
            on_way.setdefault(hop.end, whose)
    for number, machine in enumerate(plan.machines):
        yield _node(
            number,
            machine,
            now,
            by_machine.get(machine.name, []),
            looks,
            on_way.get(machine.name),
            numbers.get(machine.name, ""),
        )
        yield from _guests(number, machine, now, looks)


def _node(
    number: int,
    machine: Machine,
    now: LabNow,
    links: Sequence[LinkShown],
    looks: Looks,
    way: str | None,
    letter: str,
) -> Mark:
    """The sign of a machine with its name and state."""
    spot, key, state = looks.layout.machines[machine.name], *_key_and_state(machine.name, now)
    classes = ["lab-node"]
    classes += ["broken"] if state != RUNNING else []
    classes += [f"{way}-way"] if way else []
    classes += ["selected"] if looks.selected == key else []
    classes += ["unlabelled"] if machine.name in looks.layout.unlabelled else []
    where = machine.place.name if machine.place else None
    about = _about(machine, looks.layout)
    load, third = _third_line(state, links, looks.layout)
    sign = letter if state == RUNNING else SIGNS.get(state, CROSS)
    name = f"node-{number}"
    place = f", in {where}" if where else ""
    return mark(
        "g",
        name,
        (
            mark(
                "title", f"{name}-title", f"{machine.name} ({machine.role}){place}: {state}{load}"
            ),
            _hit(machine, spot, looks.layout),
            _sign(machine.role, spot),
            mark("text", f"{name}-sign", sign, x=spot.x, y=spot.y + 4.5, class_="letter"),
            mark("text", None, machine.name, x=spot.x, y=spot.y + GLYPH + 14, class_="name"),
            mark("text", None, about, x=spot.x, y=spot.y + GLYPH + 27, class_="faint"),
            mark(
                "text",
                f"{name}-state",
                third,
                x=spot.x,
                y=spot.y + GLYPH + 39,
                class_="faint" if state == RUNNING else "wrong",
            ),
        ),
        class_=" ".join(classes),
        tabindex="0",
        role="button",
        data_what=key,
        aria_label=f"{machine.name}, {machine.role}{place}, {state}",
    )


def _hit(machine: Machine, spot: Spot, layout: Layout) -> Mark:
    """What takes a click between a node's sign and its name as well."""
    wide, high = 2 * GLYPH, 2 * GLYPH
    if machine.name not in layout.unlabelled:
        wide, high = max(wide, len(machine.name) * LETTER), high + LABEL_HEIGHT - 4
    return mark(
        "rect", x=spot.x - wide / 2, y=spot.y - GLYPH, width=wide, height=high, class_="hit"
    )


def _about(machine: Machine, layout: Layout) -> str:
    """The place on a map, where the name does not say it already; else the role."""
    place = machine.place.name if machine.place and layout.view == "map" else ""
    return machine.role if place.lower() in {"", machine.name.replace("-", " ")} else place


def _third_line(state: str, links: Sequence[LinkShown], layout: Layout) -> tuple[str, str]:
    """What is added to the title, and what stands under the role."""
    load = "".join(f"\nsends {one.load} to {one.network}" for one in links)
    if state != RUNNING:
        return load, state
    faults = [one.fault for one in links if one.fault]
    if layout.view == "chain":
        return load, ""
    if faults:
        return load, f"link {faults[0]}"
    sent = [one.sent_kbps for one in links if one.sent_kbps is not None]
    return load, amounts.rate(sum(sent)) if sent else ""


def _key_and_state(node: str, now: LabNow) -> tuple[str, str]:
    known = now.nodes.get(node)
    if known is None:
        return f"node:{node}", "removed"
    code = "" if known.exit_code is None else f" ({known.exit_code})"
    return f"node:{node}", known.state if known.state == RUNNING else f"{known.state}{code}"


def _sign(role: str, spot: Spot) -> Mark:
    corners = SIDES.get(role)
    size = GLYPH - 2
    if corners == 0:
        return mark("circle", cx=spot.x, cy=spot.y, r=size, class_="sign")
    if corners == 6:
        shape = [(-1.0, 0.0), (-0.5, -0.87), (0.5, -0.87), (1.0, 0.0), (0.5, 0.87), (-0.5, 0.87)]
    elif corners == 4:
        shape = [(-1.0, 0.0), (0.0, -1.0), (1.0, 0.0), (0.0, 1.0)]
    else:
        shape = [(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)]
    points = " ".join(f"{spot.x + x * size:.1f},{spot.y + y * size:.1f}" for x, y in shape)
    return mark("polygon", points=points, class_="sign")


def _guests(number: int, machine: Machine, now: LabNow, looks: Looks) -> Iterator[Mark]:
    """The nodes that run on a machine, each a pill under it."""
    spot = looks.layout.machines[machine.name]
    top = spot.y + GLYPH + LABEL_HEIGHT
    for first in range(0, len(machine.guests), PILLS_A_ROW):
        row = machine.guests[first : first + PILLS_A_ROW]
        x = spot.x - sum(pill_width(guest) + 4 for guest in row) / 2 + 2
        for place, guest in enumerate(row, first):
            wide = pill_width(guest)
            key, state = _key_and_state(guest, now)
            broken = " broken" if state != RUNNING else ""
            selected = " selected" if looks.selected == key else ""
            name = f"guest-{number}-{place}"
            yield mark(
                "g",
                name,
                (
                    mark(
                        "title", f"{name}-title", f"{guest}, on the machine {machine.name}: {state}"
                    ),
                    mark("rect", x=x, y=top, width=wide, height=16, rx=8),
                    mark("text", None, guest, x=x + wide / 2, y=top + 11.5),
                ),
                class_=f"lab-guest{broken}{selected}",
                tabindex="0",
                role="button",
                data_what=key,
                aria_label=f"{guest}, on the machine {machine.name}, {state}",
            )
            x += wide + 4
        top += 20


def _numbers(plan: Plan, circuits: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Machine → its place on the caller's circuit, a digit, and on the callee's, a letter."""
    found: dict[str, str] = {}
    for end, relays in circuits.items():
        for place, relay in enumerate(relays):
            machine = plan.machine_of(relay)
            if machine is not None:
                sign = str(place + 1) if end == CALLER else chr(ord("a") + place)
                found[machine] = found.get(machine, "") + sign
    return found


def _lit(plan: Plan, layout: Layout, ways: Mapping[str, Sequence[Hop]]) -> Iterator[Mark]:
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
