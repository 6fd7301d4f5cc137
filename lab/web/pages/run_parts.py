"""What the pages of runs are made of: headings, tables, and cells that more than one has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape
from typing import Any

from nicegui import ui

from lab.web.call.tables import MOODS
from lab.web.runs.call_table import SIZES

Columns = tuple[tuple[str, str, str], ...]
"""Of each: name, label and side."""

CALL_COLUMNS: Columns = (
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


def table(
    named: Columns,
    key: str,
    what: str,
    pages: Mapping[str, int] | None = None,
    sortable: Collection[str] = (),
) -> ui.table:
    """An empty table of `what`, whose rows are told apart by `key`.

    `pages` is its pagination where the server makes its pages, and can sort by what is `sortable`.
    """
    columns: list[dict[str, Any]] = [
        {"name": name, "field": name, "label": label, "align": side, "sortable": name in sortable}
        | ({"style": f"white-space: normal; min-width: {WORDY[name]}rem"} if name in WORDY else {})
        for name, label, side in named
    ]
    made = ui.table(
        columns=columns, rows=[], row_key=key, pagination=dict(pages) if pages else SIZES[0]
    )
    return made.classes("lab-table").props(f'flat bordered dense {WORDS} aria-label="{what}"')


def table_of_calls(
    named: Columns,
    what: str,
    pages: Mapping[str, int] | None = None,
    sortable: Collection[str] = (),
) -> ui.table:
    """Such a table, in which a call's name leads to it and its verdict is coloured."""
    made = table(named, "id", what, pages, sortable)
    made.add_slot("body-cell-id", CALL_LINK)
    made.add_slot("body-cell-verdict", VERDICT)
    return made


def title(text: str, level: int = 2) -> None:
    """The heading of a page, or of a part of it."""
    ui.html(f'<h{level} class="lab-title">{escape(text)}</h{level}>', sanitize=False)
