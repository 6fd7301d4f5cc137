"""The lab in tables: what the drawing shows, for who reads rather than looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lab.cli.event_lines import broken, line_of
from lab.faults.found import FAULT_OF_STATE
from lab.web import amounts
from lab.web.marks import Mark, mark
from lab.web.now import LabNow
from lab.web.topology.links import RUNNING, LinkShown, Read, link_shown, links_shown
from lab.web.topology.plan import Plan

NEWEST = 60
"""Happenings that are listed."""
STYLE = """
.lab-scroll { overflow-x: auto; width: 100% }
.lab-rows { overflow-y: auto; max-height: 60vh }
.lab-rows th { position: sticky; top: 0; background: var(--panel) }
.lab-table { border-collapse: collapse; width: 100%; font-size: 13px; white-space: nowrap }
.lab-table th { text-align: left; font-weight: 600; color: var(--quiet) }
.lab-table th, .lab-table td { padding: 3px 10px 3px 0; border-bottom: 1px solid var(--line) }
.lab-table button, .lab-list button { color: var(--accent); background: none; border: 0; padding: 0;
  font: inherit; cursor: pointer; text-decoration: underline }
.lab-figures { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2px 12px;
  margin: 0; font-size: 13px; overflow-wrap: anywhere }
.lab-figures dt { color: var(--quiet) } .lab-figures dd { margin: 0 }
.lab-list { margin: 0; padding-left: 18px }
.lab-log { font: 12px ui-monospace, monospace; margin: 0; padding: 0; list-style: none;
  max-height: 260px; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere }
"""


def node_table(plan: Plan, now: LabNow, read: Read) -> Mark:
    """Every node, with what its links send together."""
    places = {machine.name: machine.place for machine in plan.machines}
    links: dict[str, list[LinkShown]] = {}
    for one in links_shown(plan, now, read):
        links.setdefault(one.node, []).append(one)
    rows = []
    for node, role in plan.roles.items():
        machine = plan.machine_of(node) or node
        place = places.get(machine)
        own = links.get(node, [])
        rows.append(
            (
                f"node:{node}",
                (
                    node,
                    role,
                    state_of_node(now, node),
                    place.name if place else "",
                    machine if machine != node else "",
                    _sum(one.sent_kbps for one in own),
                    _sum(one.received_kbps for one in own),
                ),
            )
        )
    head = ("node", "role", "state", "place", "on the machine of", "sends", "receives")
    return _table("node-table", "nodes", head, rows)


def link_table(plan: Plan, now: LabNow, read: Read) -> Mark:
    """Every link."""
    head = (
        "link",
        "network",
        "address",
        "cap",
        "way behind it",
        "sends",
        "receives",
        "queue",
        "dropped by the interface",
        "fault",
    )
    rows = [
        (
            one.key,
            (
                one.node,
                one.network,
                one.address,
                one.rate,
                one.way,
                one.load,
                amounts.rate(one.received_kbps),
                one.queue_words,
                "" if one.dropped_packets is None else str(one.dropped_packets),
                one.fault or "",
            ),
        )
        for one in links_shown(plan, now, read)
    ]
    return _table("link-table", "links", head, rows)


def figures_of_node(plan: Plan, now: LabNow, read: Read, node: str) -> Mark:
    """What is known of one node."""
    machine = next((one for one in plan.machines if one.name == plan.machine_of(node)), None)
    lines = [("role", plan.roles.get(node, "")), ("state", state_of_node(now, node))]
    if machine is None:
        return _figures(lines)
    if machine.name != node:
        lines.append(("on the machine of", machine.name))
    if machine.place:
        lines.append(("place", f"{machine.place.name}, {machine.place.country}"))
    for one in links_shown(plan, now, read):
        if one.node == machine.name:
            lines.append((f"on {one.network}", f"{one.address}, cap {one.rate}"))
            received = amounts.rate(one.received_kbps)
            lines.append(("", f"sends {one.load}, receives {received}"))
    farthest = sorted(
        (delay_ms, other)
        for (start, _, other), delay_ms in plan.delays_ms.items()
        if start == machine.name and delay_ms
    )
    if farthest:
        far = ", ".join(f"{other} {amounts.milliseconds(ms)}" for ms, other in farthest)
        lines.append(("one way to", far))
    lines += [("fault", broken(fault)) for fault in list(now.faults.values()) if fault.node == node]
    return _figures(lines)


def figures_of_link(plan: Plan, now: LabNow, read: Read, which: tuple[str, str]) -> Mark:
    """What is known of one link."""
    one = link_shown(plan, now, read, which)
    as_read = "" if one.is_read else " (as configured; not read yet)"
    wanted_out, wanted_in = one.configured
    lines = [
        ("address", one.address),
        ("sends, in force", one.out_shape + as_read),
        ("sends, configured", "the same" if wanted_out == one.out_shape else wanted_out),
        ("receives, in force", one.in_shape + as_read),
        ("receives, configured", "the same" if wanted_in == one.in_shape else wanted_in),
        ("sends now", one.load),
        ("receives now", amounts.rate(one.received_kbps)),
        ("queue", one.queue_words),
        ("dropped by the interface", _count(one.dropped_packets)),
    ]
    return _figures([*lines, ("fault", one.fault)] if one.fault else lines)


def broken_now(now: LabNow) -> Iterator[tuple[str, str]]:
    """What `lab fault clear` makes whole again: its key, and what is the matter with it."""
    faults = list(now.faults.values())
    for fault in faults:
        key = f"link:{fault.node}:{fault.network}" if fault.network else f"node:{fault.node}"
        yield key, f"fault: {broken(fault)}"
    told = {fault.node for fault in faults if fault.network is None}
    for name, node in list(now.nodes.items()):
        if node.state in FAULT_OF_STATE and name not in told:
            yield f"node:{name}", f"{name} is {state_of_node(now, name)}"


def wrong(now: LabNow) -> Mark:
    """What is broken at this moment, and what else was found wrong when the lab was found."""
    lines = [
        mark("li", None, (mark("button", None, text, type="button", data_what=key),))
        for key, text in broken_now(now)
    ]
    problems = [mark("li", None, problem) for problem in list(now.problems)]
    return mark("ul", "wrong", (*lines, *problems), class_="lab-list")


def happened(now: LabNow) -> Mark:
    """The last happenings in words, the newest first."""
    lines = [line for told in reversed(list(now.happenings)) if (line := line_of(told))]
    items = [mark("li", None, line) for line in lines[:NEWEST]]
    return mark("ol", "happened", items, class_="lab-log")


def state_of_node(now: LabNow, node: str) -> str:
    """Docker's word for it, with the exit status of one that has ended."""
    known = now.nodes.get(node)
    if known is None:
        return "removed"
    code = "" if known.exit_code is None else f", exit status {known.exit_code}"
    return known.state if known.state == RUNNING else f"{known.state}{code}"


def _sum(rates_kbps: Iterable[float | None]) -> str:
    known = [rate for rate in rates_kbps if rate is not None]
    return amounts.rate(sum(known)) if known else ""


def _count(packets: int | None) -> str:
    return amounts.UNKNOWN if packets is None else f"{packets} packets"


def _table(
    name: str, caption: str, head: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]
) -> Mark:
    """A table whose first column are buttons; each row has the key of what it is about."""
    return mark(
        "table",
        name,
        (
            mark("caption", None, caption, class_="lab-hidden"),
            mark("thead", None, (mark("tr", None, [_head(text) for text in head]),)),
            mark(
                "tbody", f"{name}-rows", [_row(f"{name}-{i}", *row) for i, row in enumerate(rows)]
            ),
        ),
        class_="lab-table",
    )


def _head(text: str) -> Mark:
    return mark("th", None, text, scope="col")


def _row(name: str, key: str, cells: Sequence[str]) -> Mark:
    first = mark("button", f"{name}-open", cells[0], type="button", data_what=key)
    rest = [mark("td", f"{name}-{i}", text) for i, text in enumerate(cells[1:])]
    return mark("tr", name, (mark("td", None, (first,)), *rest))


def _figures(lines: Sequence[tuple[str, str | None]]) -> Mark:
    return mark("dl", "figures", tuple(_terms(lines)), class_="lab-figures")


def _terms(lines: Sequence[tuple[str, str | None]]) -> Iterator[Mark]:
    for number, (term, text) in enumerate(lines):
        yield mark("dt", f"figure-{number}-term", term)
        yield mark("dd", f"figure-{number}", text or "")
