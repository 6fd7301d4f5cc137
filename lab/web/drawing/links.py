"""Links as they are drawn: as thick as what they carry, with their queues and their figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import hypot, log10

from lab.web import amounts
from lab.web.drawing.layout import GLYPH, Layout, Looks, Spot, glyph_of
from lab.web.marks import Mark, mark
from lab.web.topology.links import LinkShown

THINNEST, THICKEST = 1.5, 10.0
LABEL_ROOM = 90.0
"""What a label takes beside its line, px."""
UPRIGHT = 10.0
"""A line that leads less far sideways, px, is upright."""
LABELLED_LENGTH = 144.0
"""How much of an upright line that leads downwards is labelled, px, from its sign on."""
CROSS = "\u00d7"
"""Stands where nothing passes."""


def thickness(kbps: float | None) -> float:
    """How thick a link is drawn that carries so much, px; by its logarithm."""
    grown = THINNEST + 2 * log10(1 + (kbps or 0) / 10)
    return round(min(THICKEST, grown), 1)


def lines(links: Sequence[LinkShown], looks: Looks) -> Iterator[Mark]:
    """The line of each link, from its node to its network."""
    for number, link in enumerate(links):
        yield _link(number, link, looks)


def _link(number: int, link: LinkShown, looks: Looks) -> Mark:
    start, end = _line(looks.layout, link)
    ends = {"x1": start.x, "y1": start.y, "x2": end.x, "y2": end.y}
    name = f"link-{number}"
    down = " down" if link.is_down else ""
    selected = " selected" if looks.selected == link.key else ""
    badge = f"lab-badge {link.queue}"
    parts = [
        mark("title", f"{name}-title", _link_title(link)),
        mark("line", None, (), ends, class_="hit"),
        mark(
            "line", f"{name}-wire", (), ends, class_="wire", stroke_width=thickness(link.sent_kbps)
        ),
        mark("g", f"{name}-badge", tuple(_badge(link, start, end)), class_=badge),
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


def _badge(link: LinkShown, start: Spot, end: Spot) -> Iterator[Mark]:
    """How many packets wait; a cross where nothing passes."""
    text = CROSS if link.is_down else "" if link.waiting is None else str(link.waiting)
    if text:
        x, y = (start.x + end.x) / 2, (start.y + end.y) / 2
        wide = 8.0 + 6 * len(text)
        yield mark("rect", x=x - wide / 2, y=y - 7, width=wide, height=14, rx=3)
        yield mark("text", None, text, x=x, y=y + 3.5)


def _link_title(link: LinkShown) -> str:
    told = [
        f"{link.node} on {link.network}, {link.address}",
        f"cap {link.rate}" + (f", {link.way}" if link.way else ""),
        f"sends {link.load}, receives {amounts.rate(link.received_kbps)}",
        f"queue: {link.queue_words}",
    ]
    return "\n".join([*told, f"fault: {link.fault}"] if link.fault else told)


def _line(layout: Layout, link: LinkShown) -> tuple[Spot, Spot]:
    """From the edge of the node's sign to the far end."""
    node, end = layout.machines[link.node], layout.ends[link.node, link.network]
    length = hypot(end.x - node.x, end.y - node.y)
    glyph = glyph_of(link.node, layout.unlabelled)
    part = min(1.0, glyph / length) if length else 0.0
    return Spot(node.x + (end.x - node.x) * part, node.y + (end.y - node.y) * part), end


def labels(layout: Layout, links: Sequence[LinkShown]) -> Iterator[Mark]:
    """The figures of links, where there is room for them beside their lines."""
    if layout.view != "chain":
        return
    for number, link in enumerate(links):
        start, end = _line(layout, link)
        figures = [
            mark("tspan", f"label-{number}-{part}", text, x=x, y=y)
            for part, (text, x, y) in enumerate(_label_lines(layout, link, start, end))
        ]
        name = f"label-{number}"
        side = _side(layout, start, end)
        yield mark("text", name, figures, class_=f"{side} {'wrong' if link.fault else ''}".strip())


def _side(layout: Layout, start: Spot, end: Spot) -> str:
    """How a link's label is anchored: beside a steep line, over and under a flat one.

    Beside it means away from the other links of its network, where the drawing goes on.
    """
    if abs(end.y - start.y) <= 0.3 * abs(end.x - start.x):
        return "middle"
    x = (start.x + end.x) / 2
    if not LABEL_ROOM <= x <= layout.width - LABEL_ROOM:
        return "start" if x < LABEL_ROOM else "end"
    return "end" if end.x < start.x - UPRIGHT else "start"


def _label_lines(
    layout: Layout, link: LinkShown, start: Spot, end: Spot
) -> Iterator[tuple[str, float, float]]:
    """Text, x and y of three lines: what is wrong or what is on the way, the cap, the load."""
    x, y = (start.x + end.x) / 2, (start.y + end.y) / 2
    note = link.fault or _short(link.way)
    load = amounts.rate(link.sent_kbps) if link.sent_kbps is not None else ""
    side = _side(layout, start, end)
    if side == "middle":
        heights = (y - 27, y - 14, y + 17)
    else:
        x += 12 if side == "start" else -12
        falls = (end.y - start.y) * (end.x - start.x) > 0
        top = y - 30 if falls is (side == "start") else y + 16
        heights = (top, top + 12, top + 24)
        if abs(end.x - start.x) < UPRIGHT:
            # Above the labels of the row below, and under what hangs from the row above.
            lower = min(end.y, start.y + LABELLED_LENGTH) if end.y > start.y else start.y + GLYPH
            heights = (lower - 54, lower - 42, lower - 30)
    yield from zip((note, link.rate, load), (x,) * 3, heights, strict=True)


def _short(way: str) -> str:
    """What there is room for beside a link: the delay alone, or the first word of the rest."""
    first = way.split(", ", maxsplit=1)[0]
    return first if len(first) <= 14 else "takes time"
