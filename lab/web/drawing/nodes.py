"""Machines as they are drawn: their signs, their names and states, and the nodes on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lab.web import amounts
from lab.web.drawing.layout import (
    GLYPH,
    LABEL_HEIGHT,
    LETTER,
    PILLS_A_ROW,
    Layout,
    Looks,
    Spot,
    glyph_of,
    pill_width,
)
from lab.web.drawing.links import CROSS
from lab.web.drawing.signs import sign
from lab.web.marks import Mark, mark
from lab.web.now import LabNow
from lab.web.topology.links import RUNNING, LinkShown
from lab.web.topology.plan import Hop, Machine, Plan

IN_SIGNS = {"paused": "‖", "created": "…", "restarting": "…"}
"""State → what stands in a node's sign; a cross for others that do not run."""


def nodes(
    plan: Plan,
    now: LabNow,
    links: Sequence[LinkShown],
    looks: Looks,
    ways: Mapping[str, Sequence[Hop]],
    numbers: Mapping[str, str],
) -> Iterator[Mark]:
    """Every machine with the nodes on it; `ways` are those of the call's circuits.

    `numbers` has what stands in the signs of their relays, by machine.
    """
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
    load = "".join(f"\nsends {one.load} to {one.network}" for one in links)
    inside = letter if state == RUNNING else IN_SIGNS.get(state, CROSS)
    name = f"node-{number}"
    place = f", in {where}" if where else ""
    glyph = glyph_of(machine.name, looks.layout.unlabelled)
    return mark(
        "g",
        name,
        (
            mark(
                "title", f"{name}-title", f"{machine.name} ({machine.role}){place}: {state}{load}"
            ),
            _hit(machine, spot, looks.layout),
            sign(machine.role, spot.x, spot.y, glyph - 2),
            mark("text", f"{name}-sign", inside, x=spot.x, y=spot.y + 4.5, class_="letter"),
            mark("text", None, machine.name, x=spot.x, y=spot.y + glyph + 14, class_="name"),
            mark("text", None, about, x=spot.x, y=spot.y + glyph + 27, class_="faint"),
            mark(
                "text",
                f"{name}-state",
                _third_line(state, links, looks.layout),
                x=spot.x,
                y=spot.y + glyph + 39,
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
    glyph = glyph_of(machine.name, layout.unlabelled)
    wide, high = 2 * glyph, 2 * glyph
    if machine.name not in layout.unlabelled:
        wide, high = max(wide, len(machine.name) * LETTER), high + LABEL_HEIGHT - 4
    return mark(
        "rect", x=spot.x - wide / 2, y=spot.y - glyph, width=wide, height=high, class_="hit"
    )


def _about(machine: Machine, layout: Layout) -> str:
    """The place on a map, where the name does not say it already; else the role."""
    place = machine.place.name if machine.place and layout.view == "map" else ""
    return machine.role if place.lower() in {"", machine.name.replace("-", " ")} else place


def _third_line(state: str, links: Sequence[LinkShown], layout: Layout) -> str:
    """What stands under the role; links of a chain have room for what is theirs."""
    if state != RUNNING:
        return state
    if layout.view == "chain":
        return ""
    faults = [one.fault for one in links if one.fault]
    if faults:
        return f"link {faults[0]}"
    sent = [one.sent_kbps for one in links if one.sent_kbps is not None]
    return amounts.rate(sum(sent)) if sent else ""


def _key_and_state(node: str, now: LabNow) -> tuple[str, str]:
    known = now.nodes.get(node)
    if known is None:
        return f"node:{node}", "removed"
    code = "" if known.exit_code is None else f" ({known.exit_code})"
    return f"node:{node}", known.state if known.state == RUNNING else f"{known.state}{code}"


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
