"""What the signs of the drawing mean."""

from __future__ import annotations

from lab.web import amounts
from lab.web.drawing.signs import sign
from lab.web.marks import Mark, mark
from lab.web.topology.backlog import READ_FROM

STYLE = """
.lab-legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 12px; color: var(--quiet);
  margin: 8px 0 0; padding: 0; list-style: none }
.lab-legend svg { display: inline-block; vertical-align: middle; margin-right: 5px }
.lab-legend .sign { fill: var(--page); stroke: var(--text) }
"""


def legend() -> Mark:
    """Lines, colours and shapes, each with its words."""
    queues = [
        _item(_line(f"var(--{colour})", badge=badge), words)
        for colour, words, badge in (
            ("quiet", "no cap, or queue not read", ""),
            ("empty", "queue empty", "0"),
            ("waiting", "packets wait", "7"),
            ("full", "queue half full or dropping", "150"),
        )
    ]
    items = [
        _item(_sign("endpoint"), "endpoint"),
        _item(_sign("relay"), "relay or bridge"),
        _item(_sign("router"), "router"),
        _item(_sign("pbx"), "server"),
        _item(_line("var(--quiet)", width=7), "thickness: what the node sends"),
        *queues,
        _item(_line("var(--accent)", dash="11 5"), "the caller's circuit, relays 1, 2, 3"),
        _item(_line("var(--callee)", dash="3 5"), "the callee's circuit, relays a, b, c"),
    ]
    note = (
        "The number on a link is how many packets wait at its cap. Queues are read every two "
        f"seconds, where at least {amounts.share(READ_FROM, 1)} of a cap is in use."
    )
    return mark("div", None, (mark("ul", None, items, class_="lab-legend"), _note(note)))


def _note(text: str) -> Mark:
    return mark("p", None, text, class_="lab-quiet", style="font-size: 12px; margin: 6px 0 0")


def _item(picture: Mark, words: str) -> Mark:
    return mark("li", None, (picture, mark("span", None, words)))


def _line(colour: str, width: float = 3, dash: str | None = None, badge: str = "") -> Mark:
    stroke = {"stroke": colour, "stroke_width": width, "stroke_dasharray": dash}
    parts = [mark("line", None, (), stroke, x1=1, y1=7, x2=35, y2=7)]
    if badge:
        wide = 8 + 6 * len(badge)
        box = {"x": 18 - wide / 2, "y": 0.5, "width": wide, "height": 13, "rx": 3}
        parts.append(mark("rect", None, (), box, fill="var(--panel)", stroke=colour))
        style = "font: 600 10px system-ui; text-anchor: middle; fill: var(--text)"
        parts.append(mark("text", None, badge, x=18, y=10.5, style=style))
    return mark("svg", None, parts, width=36, height=14, aria_hidden="true")


def _sign(role: str) -> Mark:
    return mark("svg", None, (sign(role, 7, 7, 6),), width=14, height=14, aria_hidden="true")
