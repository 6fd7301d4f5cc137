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
.lab-table .q-table__bottom-nodata-icon { display: none }
h1.lab-title { font-size: 1.5rem; line-height: 1.3; margin: 0 0 8px; overflow-wrap: anywhere }
h2.lab-title { font-size: 1.1rem; font-weight: 600; line-height: 1.4; margin: 16px 0 6px }
"""


WORDY = {"point": 12, "why": 26}
"""The columns of sentences, which are broken into lines, else no figure is seen beside them, and
how wide they are at least, rem."""
WORDS = 'no-data-label="There are none." rows-per-page-label="Rows per page"'
"""What tables say, as props."""


def columns(named: tuple[tuple[str, str, str], ...]) -> list[dict[str, Any]]:
    """As a table has them: name, label and side."""
    return [
        {"name": name, "field": name, "label": label, "align": side}
        | ({"style": f"white-space: normal; min-width: {WORDY[name]}rem"} if name in WORDY else {})
        for name, label, side in named
    ]


def title(text: str, level: int = 2) -> None:
    """The heading of a page, or of a part of it."""
    ui.html(f'<h{level} class="lab-title">{escape(text)}</h{level}>', sanitize=False)
