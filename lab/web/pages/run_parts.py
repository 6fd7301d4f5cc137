"""What the pages of runs are made of: headings, tables, and cells that more than one has."""

from __future__ import annotations

from html import escape
from typing import Any

from nicegui import ui

from lab.web.call.tables import MOODS

CALL_COLUMNS = (
    ("id", "Call", "left"),
    ("started", "Started (UTC)", "left"),
    ("method", "Method", "left"),
    ("codec", "Codec", "left"),
    ("verdict", "Verdict", "left"),
    ("caller_mos", "PESQ at caller", "right"),
    ("callee_mos", "PESQ at callee", "right"),
    ("caller_ms", "Delay to caller, ms", "right"),
    ("callee_ms", "Delay to callee, ms", "right"),
    ("why", "Why", "left"),
)
CALL_LINK = """<q-td :props="props">
  <a class="lab-link" :href="'/calls/' + encodeURIComponent(props.value)">{{ props.value }}</a>
</q-td>"""
_CLASSES = {verdict: f"lab-{mood}" for verdict, mood in MOODS.items()}
VERDICT = f"""<q-td :props="props">
  <span :class="{_CLASSES}[props.value]">{{{{ props.value }}}}</span>
</q-td>"""
STYLE = """
.lab-link { color: var(--accent) } .lab-accent { color: var(--accent) }
.lab-table { background: var(--panel); color: var(--text); width: 100% }
h2.lab-title { font-size: 1.1rem; font-weight: 600; line-height: 1.4; margin: 16px 0 6px }
"""


def columns(named: tuple[tuple[str, str, str], ...]) -> list[dict[str, Any]]:
    """As a table has them: name, label and side."""
    return [
        {"name": name, "field": name, "label": label, "align": side} for name, label, side in named
    ]


def title(text: str) -> None:
    """The heading of a part of a page."""
    ui.html(f'<h2 class="lab-title">{escape(text)}</h2>', sanitize=False)
