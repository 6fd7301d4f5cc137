"""One run: its progress, its points so far, the figure that grows, its calls and its report."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from nicegui import app, events, run, ui

from lab.errors import LabError
from lab.store.export import FORMATS
from lab.verdict import VERDICTS
from lab.web.hub import Hub
from lab.web.pages.jobs_panel import JOBS, resume, show_jobs
from lab.web.pages.page import LOOK_S, Page
from lab.web.pages.run_parts import CALL_COLUMNS, STYLE, table, table_of_calls, title
from lab.web.runs.call_table import ORDERS, SIZES, page_of, wanted_of
from lab.web.runs.cells import SIGNS, TONES, experiment_of, point_cells
from lab.web.runs.chart import chart_of
from lab.web.runs.figure import figure_of
from lab.web.runs.files import TYPES, calls_of, report_of
from lab.web.runs.pacing import Pacing
from lab.web.runs.progress import HANDS, INTERRUPTED, UNDER_WAY, RunView, view_of, when

POINT_COLUMNS = (
    ("point", "Point", "left"),
    ("valid", "Valid", "right"),
    ("invalid", "Invalid", "right"),
    ("failed", "Failed", "right"),
    ("wanted", "Still wanted", "right"),
    ("scored", "Scored at", "left"),
    ("mos", "PESQ MOS-LQO", "right"),
    ("delay", "Median delay, ms", "right"),
    ("jitter", "Jitter, ms", "right"),
    ("good", "Good calls, %", "right"),
)
OF_RUN_COLUMNS = (
    *CALL_COLUMNS[:2],
    ("point", "Point", "left"),
    ("number", "No.", "right"),
    *CALL_COLUMNS[4:],
)
ANY = "any"
RECOLOUR = """
new MutationObserver(() => emitEvent('lab-colours')).observe(
  document.body, {attributes: true, attributeFilter: ['class']});
"""
"""The colours of a figure are asked once; light and dark are told by the body's class."""


def build(hub: Hub, name: str) -> None:
    """Show it."""
    ui.add_css(STYLE)
    _Run(hub, name)


class _Run:
    """A run, for one viewer."""

    def __init__(self, hub: Hub, name: str) -> None:
        self._hub = hub
        self._name = name
        """Its whole name, once that is known."""
        self._view: RunView | None = None
        self._seen: tuple[object, ...] = ()
        self._busy = False
        self._pacing: Pacing | None = None
        self._status = ui.label("reading the results ...").props('role="status"')
        self._body = ui.column().classes("w-full gap-0")
        ui.timer(LOOK_S, self._look)

    async def _look(self) -> None:
        """Read the run again where a call has been added, or somebody has begun or left it."""
        if self._busy:
            return
        now = self._hub.now.run
        ours = now is not None and self._view is not None and now.run_id == self._name
        holder = HANDS.on(self._name) if self._view else None
        seen = (
            (now.made, now.advanced) if now is not None and ours else None,
            holder.pid if holder else None,
            len(JOBS.under_way),
            self._view is not None,
        )
        if seen == self._seen:
            return
        self._busy = True
        try:
            await self._read()
            self._seen = (*seen[:3], self._view is not None)
        finally:
            self._busy = False

    async def _read(self) -> None:
        try:
            view = await run.io_bound(view_of, self._name, HANDS)
        except LabError as error:
            self._status.set_text(str(error))
            self._status.set_visibility(True)
            return
        if view is None:
            return
        is_first = self._view is None
        self._view, self._name = view, view.run.run_id
        left = await run.io_bound(self._time_left)
        options = await run.io_bound(lambda: chart_of(figure_of(view.points)))
        if options is None:
            return
        self._status.set_visibility(False)
        if is_first:
            with self._body:
                self._build(view, options)
        self._show(view, left, options)

    def _time_left(self) -> timedelta | None:
        holder = HANDS.on(self._name)
        if holder is None:
            return None
        if self._pacing is None or self._pacing.pid != holder.pid:
            self._pacing = Pacing(self._name, holder.pid)
        return self._pacing.time_left()

    def _build(self, view: RunView, options: dict[str, Any]) -> None:
        run_id, row = view.run.run_id, view.row
        title(f"Run {run_id}", 1)
        with ui.column().classes("lab-panel gap-2"):
            facts = (
                f"{experiment_of(row)} in lab {row.lab}, started {when(row.started_at)} UTC, "
                f"seed {view.run.seed}"
            )
            ui.label(facts).classes("lab-quiet").style("overflow-wrap: anywhere")
            with ui.row().classes("items-center gap-3 w-full"):
                self._state = ui.label().props('role="status"')
                self._counts = ui.label()
                self._resume = ui.button("Resume", on_click=lambda: resume(run_id))
                self._resume.props("no-caps outline color=none")
            self._bar = ui.linear_progress(0, show_value=False)
            self._bar.props('aria-label="calls made, of those that the run takes"')
            with ui.row().classes("gap-4") as self._files:
                ui.link("Report", f"/runs/{run_id}/report", new_tab=True).classes("lab-link")
                report = ui.link("Report as a file", f"/runs/{run_id}/report?file=1")
                report.classes("lab-link")
                for form in FORMATS:
                    link = ui.link(f"Calls as {form}", f"/runs/{run_id}/calls.{form}")
                    link.classes("lab-link")
        show_jobs(self._hub)
        title("PESQ so far")
        with ui.column().classes("lab-panel gap-0"):
            self._chart = ui.echart(options).classes("w-full").style("height: 380px")
            self._chart.props(
                'role="img" aria-label="PESQ so far with 95 % intervals; the table of points below '
                'has the same figures"'
            )
            self._chart.on_point_click(_open_call)
            ui.label(
                "Means of valid calls with 95 % confidence intervals (Student's t); a faint dot is "
                "a call, a cross an invalid one, which is in no mean. A dot opens its call."
            ).classes("lab-quiet")
        ui.on("lab-colours", self._chart.update)
        ui.run_javascript(RECOLOUR)
        title("Points")
        self._points = table(POINT_COLUMNS, "id", "points")
        ui.label(
            "Figures are means of valid calls at the end that is scored, with 95 % confidence "
            "intervals (Student's t); of the share of good calls it is Wilson's."
        ).classes("lab-quiet")
        title("Calls")
        self._build_calls(view)

    def _build_calls(self, view: RunView) -> None:
        names = {row.point.point_id: row.name for row in view.points}
        with ui.row().classes("items-end gap-4"):
            self._verdict = ui.select([ANY, *VERDICTS], value=ANY, label="Verdict")
            self._verdict.props("dense").classes("w-32")
            self._point = ui.select({ANY: ANY, **names}, value=ANY, label="Point", with_input=True)
            self._point.props("dense").classes("w-64")
        pages = {"page": 1, "rowsPerPage": SIZES[0], "rowsNumber": 0}
        self._calls = table_of_calls(OF_RUN_COLUMNS, "calls", pages, ORDERS)
        self._calls.props(f':rows-per-page-options="{list(SIZES)}"')
        self._calls.on("request", lambda event: self._show_calls(event.args["pagination"]))
        for control in (self._verdict, self._point):
            control.on_value_change(lambda: self._show_calls(self._calls.pagination | {"page": 1}))

    def _show(self, view: RunView, left: timedelta | None, options: dict[str, Any]) -> None:
        row = view.row
        self._state.set_text(f"{SIGNS[row.state]} {row.state}")
        self._state.classes(replace=TONES[row.state])
        counts = row.counts
        calls = "call" if row.made == 1 else "calls"
        text = (
            f"{row.made} {calls} made: {counts.valid} valid, {counts.invalid} invalid, "
            f"{counts.failed} failed; {row.still_wanted} still wanted"
        )
        if row.state == UNDER_WAY and row.still_wanted:
            text += f"; {left} left" if left is not None else "; time left not known yet"
        self._counts.set_text(text)
        self._bar.set_value(row.share_made)
        self._resume.set_visibility(row.state == INTERRUPTED)
        self._files.set_visibility(bool(row.made))
        cells = [point_cells(point) for point in view.points]
        if cells != self._points.rows:
            self._points.rows = cells
        self._show_calls(self._calls.pagination)
        if options != self._chart.options:
            self._chart.options.clear()
            self._chart.options.update(options)
            self._chart.update()

    def _show_calls(self, asked: dict[str, Any]) -> None:
        """The page of the table that is asked for."""
        view = self._view
        if view is None:
            return
        verdict, point = (
            None if control.value == ANY else control.value
            for control in (self._verdict, self._point)
        )
        wanted = wanted_of(asked, verdict, point)
        names = {row.point.point_id: row.name for row in view.points}
        rows, count, page = page_of(view.calls, names, wanted)
        self._calls.pagination = {
            "page": page,
            "rowsPerPage": wanted.size,
            "rowsNumber": count,
            "sortBy": wanted.order,
            "descending": wanted.descending,
        }
        self._calls.rows = rows


def _open_call(event: events.EChartPointClickEventArguments) -> None:
    """A dot's third value is the name of its call; a mean has none."""
    if isinstance(event.value, list) and len(event.value) == 3:
        ui.navigate.to(f"/calls/{event.value[2]}")


def routes(_hub: Hub) -> None:
    """Have the files beside the page answered."""

    # What is no coroutine is answered on a thread of its own.
    @app.get("/runs/{name}/report", response_model=None)
    def report(name: str, file: bool = False) -> Response:
        try:
            run_id, page = report_of(name)
        except LabError as error:
            return _sentence(error)
        return HTMLResponse(page, headers=_as_file(f"{run_id}.html") if file else None)

    @app.get("/runs/{name}/calls.{form}", response_model=None)
    def calls(name: str, form: str) -> Response:
        try:
            run_id, data = calls_of(name, form)
        except LabError as error:
            return _sentence(error)
        return Response(data, media_type=TYPES[form], headers=_as_file(f"{run_id}.{form}"))


def _sentence(error: LabError) -> Response:
    return PlainTextResponse(f"{error}\n", 404)


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


PAGE = Page("/runs/{name}", "Run", build, in_menu=False, below="/runs", routes=routes)
