"""The commands about runs that were started from the page: what they say, and how to end them."""

from __future__ import annotations

from nicegui import ui

from lab.cli.event_lines import words
from lab.web.hub import Hub
from lab.web.pages.page import LOOK_S
from lab.web.runs.jobs import Job, Jobs

JOBS = Jobs()
"""Those of this server; all viewers see the same."""


def resume(run_id: str) -> None:
    """Go on with a run."""
    JOBS.start(Job("experiment", "resume", run_id, run_id=run_id))


def show_jobs(hub: Hub) -> None:
    """List them, and keep the list as it is at the moment."""
    panel = (
        ui.column().classes("lab-panel gap-2 q-mt-sm").props('role="status" aria-label="commands"')
    )
    said: dict[Job, ui.label] = {}
    seen = -1

    def look() -> None:
        nonlocal seen
        if JOBS.version != seen:
            seen = JOBS.version
            said.clear()
            panel.clear()
            panel.set_visibility(bool(JOBS.under_way or JOBS.ended))
            with panel:
                for job in (*JOBS.under_way, *JOBS.ended):
                    said[job] = _show(job)
        for job in JOBS.under_way:
            if job in said:
                said[job].set_text(_says(hub, job))

    look()
    ui.timer(LOOK_S, look)


def _show(job: Job) -> ui.label:
    """A command; the label is for what it says."""
    with ui.row().classes("items-center gap-3 w-full"):
        with ui.column().classes("gap-0").style("flex: 1 1 240px; min-width: 0"):
            ui.label(job.typed).style("font-family: monospace; overflow-wrap: anywhere")
            text = ui.label(job.said).style("overflow-wrap: anywhere")
            text.classes("lab-quiet" if job.done is None or job.done.status == 0 else "lab-bad")
        if job.done is None:
            button = ui.button("Interrupt", on_click=lambda: JOBS.interrupt(job))
            button.props(f'outline no-caps color=none aria-label="interrupt {job.typed}"')
            button.set_enabled(not job.interrupted)
    return text


def _says(hub: Hub, job: Job) -> str:
    """The last that has been told by its process, as far as it works on the lab followed here."""
    if job.interrupted:
        return "is ending, and puts back what it has begun"
    for told in reversed(tuple(hub.now.happenings)):
        if told.pid == job.pid:
            return words(told.what)
    return "beginning"
