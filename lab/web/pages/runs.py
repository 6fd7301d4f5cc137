"""The list of runs: how far each has come, what can be started, and calls of no run."""

from __future__ import annotations

from typing import Any

from nicegui import events, run, ui

from lab.checkout import shipped_experiments
from lab.errors import LabError
from lab.web.hub import Hub
from lab.web.pages.jobs_panel import JOBS, resume, show_jobs
from lab.web.pages.page import LOOK_S, Page
from lab.web.pages.run_parts import CALL_COLUMNS, STYLE, table, table_of_calls, title
from lab.web.runs.call_table import call_row
from lab.web.runs.cells import run_cells
from lab.web.runs.jobs import Job
from lab.web.runs.progress import HANDS, NEWEST_CALLS, UNDER_WAY, Listed, RunRow, listed, row_of
from lab.web.runs.shipped import Shipped, shipped

RUN_COLUMNS = (
    ("run", "Run", "left"),
    ("state", "State", "left"),
    ("experiment", "Experiment", "left"),
    ("started", "Started (UTC)", "left"),
    ("points", "Points", "right"),
    ("valid", "Valid", "right"),
    ("invalid", "Invalid", "right"),
    ("failed", "Failed", "right"),
    ("wanted", "Still wanted", "right"),
    ("lab", "Lab", "left"),
)
RUN_LINK = """<q-td :props="props">
  <a class="lab-link" :href="'/runs/' + encodeURIComponent(props.value)">{{ props.value }}</a>
</q-td>"""
RUN_STATE = """<q-td :props="props">
  <span :class="props.row.tone">{{ props.value }}</span>
  <q-btn v-if="props.row.interrupted" label="Resume" dense outline no-caps class="q-ml-sm"
    padding="0 6px" :aria-label="'resume run ' + props.row.run"
    @click="() => $parent.$emit('resume', props.row.run)" />
</q-td>"""


def build(hub: Hub) -> None:
    """Show it."""
    ui.add_css(STYLE)
    title("Runs", 1)
    title("Run an experiment")
    _show_form(hub)
    show_jobs(hub)
    title("Runs so far")
    _List(hub)


class _List:
    """The tables, for one viewer."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._listed = Listed((), ())
        self._seen: tuple[object, ...] = ()
        self._busy = False
        self._trouble = ui.label("reading the results ...").props('role="status"')
        self._runs = table(RUN_COLUMNS, "run", "runs")
        self._runs.add_slot("body-cell-run", RUN_LINK)
        self._runs.add_slot("body-cell-state", RUN_STATE)
        self._runs.on("resume", lambda event: self._resume(event.args))
        title(f"Calls of no run, the newest {NEWEST_CALLS}")
        self._calls = table_of_calls(CALL_COLUMNS, "calls of no run")
        ui.timer(LOOK_S, self._look)

    def _resume(self, run_id: object) -> None:
        for row in self._listed.runs:
            if row.run_id == run_id:
                resume(row.run_id)

    async def _look(self) -> None:
        """Read again what has changed: the run under way alone, where that is all."""
        if self._busy:
            return
        now = self._hub.now
        under_way, ended = now.run, now.ended
        advanced = (under_way.made, under_way.advanced) if under_way else None
        others = (
            under_way.run_id if under_way else None,
            ended.call_id if ended and not under_way else None,
            len(JOBS.under_way),
            tuple(row.run_id for row in self._listed.runs if _has_been_left(row)),
        )
        if (others, advanced) == self._seen:
            return
        whole = not self._seen or others != self._seen[0]
        self._seen, self._busy = (others, advanced), True
        try:
            await self._read(None if whole or under_way is None else under_way.run_id)
        finally:
            self._busy = False

    async def _read(self, run_id: str | None) -> None:
        try:
            if run_id is None:
                found = await run.io_bound(listed, HANDS)
                if found is None:
                    return
                self._listed = found
            else:
                row = await run.io_bound(row_of, run_id, HANDS)
                if row is None:
                    return
                rows = tuple(row if old.run_id == run_id else old for old in self._listed.runs)
                self._listed = Listed(rows, self._listed.single_calls)
        except LabError as error:
            self._trouble.set_text(str(error))
            return
        self._trouble.set_text("" if self._listed.runs else "There are no runs yet.")
        self._trouble.set_visibility(not self._listed.runs)
        _fill(self._runs, [run_cells(row) for row in self._listed.runs])
        _fill(self._calls, [call_row(call, {}) for call in self._listed.single_calls])


def _has_been_left(row: RunRow) -> bool:
    """Whether nobody goes on any more with a run that was under way when it was read."""
    return row.state == UNDER_WAY and HANDS.on(row.run_id) is None


def _fill(table: ui.table, rows: list[dict[str, Any]]) -> None:
    """Show these rows, where they are others than those that are shown."""
    if rows != table.rows:
        table.rows = rows


def _show_form(hub: Hub) -> None:
    """What starts an experiment."""
    with ui.column().classes("lab-panel gap-2"):
        with ui.row().classes("items-center gap-3 w-full"):
            experiment = ui.select(list(shipped_experiments()), label="Experiment", with_input=True)
            experiment.classes("w-64").props("dense")
            quick = ui.checkbox("quick, the short version", value=True)
            lab = ui.input("Lab", placeholder="the topology's name").props("dense").classes("w-48")
            start = ui.button("Run").props("no-caps color=primary")
        told = ui.label("Choose an experiment that comes with the lab.").classes("lab-quiet")
    known: Shipped | None = None

    async def describe(_event: events.ValueChangeEventArguments[Any] | None = None) -> None:
        nonlocal known
        known = None
        start.disable()
        if experiment.value is None:
            return
        try:
            found = await run.io_bound(shipped, experiment.value, bool(quick.value))
        except LabError as error:
            told.set_text(str(error))
            return
        if found is None or found.name != experiment.value:
            return
        known = found
        told.set_text(found.sentence)
        followed = hub.now.is_up and hub.now.topology == found.topology
        lab.set_value(hub.now.lab if followed else "")
        start.enable()

    def begin() -> None:
        if known is None:
            return
        words = ["experiment", "run", known.name, *(["--quick"] if quick.value else [])]
        name = (lab.value or "").strip()
        JOBS.start(Job(*words, *([f"--name={name}"] if name else [])))

    start.disable()
    experiment.on_value_change(describe)
    quick.on_value_change(describe)
    start.on_click(begin)


PAGE = Page("/runs", "Runs", build)
