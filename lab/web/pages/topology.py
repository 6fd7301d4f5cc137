"""The lab as its packets see it: nodes, links, the circuit of the call under way."""

from __future__ import annotations

from functools import cache

from nicegui import app, run, ui
from nicegui.events import GenericEventArguments

from lab.web.drawing.drawing import STYLE as DRAWING_STYLE
from lab.web.drawing.drawing import drawing
from lab.web.drawing.layout import Layout, Looks, lay_out
from lab.web.drawing.legend import STYLE as LEGEND_STYLE
from lab.web.drawing.legend import legend
from lab.web.hub import Hub
from lab.web.marks import as_code, text_of
from lab.web.pages.doing import Doing
from lab.web.pages.live_mark import CLICKED, PRESSED, SCRIPT, LiveMark
from lab.web.pages.page import Page, follow, state_of
from lab.web.pages.panel import STYLE as PANEL_STYLE
from lab.web.pages.panel import Panel
from lab.web.topology.plan import Plan
from lab.web.topology.reader import Reader
from lab.web.topology.tables import STYLE as TABLE_STYLE
from lab.web.topology.tables import broken_now, happened, link_table, node_table, wrong

STYLE = """
.lab-split { display: grid; gap: 12px; grid-template-columns: minmax(0, 1fr); width: 100% }
.lab-split.open { grid-template-columns: minmax(0, 1fr) 360px; align-items: start }
@media (max-width: 900px) { .lab-split.open { grid-template-columns: minmax(0, 1fr) } }
.lab-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
.lab-stack { display: flex; flex-direction: column; gap: 12px; width: 100% }
"""
LOOK_S = 1.0
"""How often a viewer says that it looks."""


@cache
def reader_of(hub: Hub) -> Reader:
    """The one reader for all viewers of a hub; it ends with the server."""
    reader = Reader(hub)
    app.on_shutdown(reader.stop)
    return reader


class View:
    """What one viewer looks at."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._reader = reader_of(hub)
        self._plan: Plan | None = None
        self._layout: Layout | None = None
        self._width = 0
        self._told: object = None
        with ui.element("div").classes("lab-stack"):
            ui.html("The lab as its packets see it", sanitize=False, tag="h1").classes("lab-hidden")
            self._state = ui.html("", sanitize=False).classes("lab-panel").props('role="status"')
            with (
                ui.element("section")
                .classes("lab-panel")
                .props('aria-label="what is broken or wrong"') as self._troubles
            ):
                ui.html("Broken or wrong", sanitize=False, tag="h2")
                self._wrong = LiveMark()
                with ui.row().classes("items-center gap-2 q-mt-xs") as self._mendable:
                    mend = ui.button("Mend everything", on_click=self._mend)
                    mend.props("outline dense no-caps")
                    mend.props["title"] = "End all faults: links, paused nodes, and dead ones"
                self._mending = Doing()
            with ui.element("div").classes("lab-split") as self._split:
                with ui.element("section").classes("lab-panel").props('aria-label="drawing"'):
                    with ui.element("div").classes("lab-scroll") as room:
                        room.props('tabindex="0" role="region" aria-label="drawing of the lab"')
                        self._drawing = LiveMark()
                    ui.html(text_of(legend()), sanitize=False)
                self._panel = Panel(hub, self._reader, self._deselect)
            with ui.element("div").classes("lab-stack") as self._drawn:
                self._tables = [_section(title) for title in ("Nodes", "Links")]
            with ui.element("div").classes("lab-stack") as self._log:
                self._happened = _section("What happens")
            self._happened.element.props('role="log" aria-live="off" aria-label="what happens"')
        for place in (self._drawing, self._wrong, *self._tables):
            place.element.on("click", self._select, js_handler=CLICKED)
            place.element.on("keydown", self._select, js_handler=PRESSED)
        ui.on("lab-width", self._fit)
        ui.run_javascript(f"labWatchWidth('{room.html_id}')")
        follow(hub, self.refresh)
        ui.timer(LOOK_S, self._look)

    def refresh(self) -> None:
        """Show what is so now."""
        now, plan = self._hub.now, self._reader.plan
        what_to_do = _what_to_do(self._hub, self._reader)
        self._state.set_content(as_code(what_to_do))
        self._state.set_visibility(bool(what_to_do))
        for place in (self._split, self._drawn):
            place.set_visibility(plan is not None)
        can_be_mended = any(broken_now(now))
        self._troubles.set_visibility(can_be_mended or bool(now.problems))
        self._mendable.set_visibility(can_be_mended)
        self._wrong.show(wrong(now))
        self._list_happenings()
        if plan is not self._plan:
            self._forget(plan)
        if plan is None:
            return
        self._show(plan)
        self._panel.refresh()

    def _show(self, plan: Plan) -> None:
        now, read = self._hub.now, self._reader.read
        if self._layout is not None:
            looks = Looks(self._layout, self._panel.what)
            self._drawing.show(drawing(plan, now, read, looks))
        for place, table in zip(self._tables, (node_table, link_table), strict=True):
            place.show(table(plan, now, read))

    def _list_happenings(self) -> None:
        """Only where something has happened: counters are news as well."""
        told = list(self._hub.now.happenings)
        self._log.set_visibility(bool(told))
        newest = told[-1] if told else None
        if newest is not self._told:
            self._told = newest
            self._happened.show(happened(self._hub.now))

    def _forget(self, plan: Plan | None) -> None:
        """Another lab, or none."""
        self._plan, self._layout = plan, None
        self._drawing.clear()
        for table in self._tables:
            table.clear()
        if self._panel.what is not None:
            self._panel.close()
        if plan is not None and self._width:
            ui.timer(0, self._place, once=True)

    async def _fit(self, told: GenericEventArguments) -> None:
        """The drawing has so much room."""
        width = _emitted(told)
        if isinstance(width, int | float) and 0 < width < 10_000:
            self._width = int(width)
            await self._place()

    async def _place(self) -> None:
        """Decide where everything is, beside the event loop."""
        plan, width = self._plan, self._width
        if plan is None:
            return
        layout = await run.io_bound(lay_out, plan, float(width))
        if plan is self._plan and width == self._width:
            self._layout = layout
            self._show(plan)

    def _look(self) -> None:
        """Have the queues read on; what has been read is shown with the next counters."""
        self._reader.look(self._panel.link)
        if self._reader.plan is not self._plan:
            self.refresh()

    def _select(self, told: GenericEventArguments) -> None:
        what = _emitted(told)
        if isinstance(what, str):
            self._panel.open(what)
        self._split.classes(add="open" if self._panel.what else "")
        self.refresh()

    def _deselect(self) -> None:
        self._split.classes(remove="open")
        self.refresh()

    async def _mend(self) -> None:
        lab = self._hub.now.lab
        await self._mending.run("fault", "clear", *(("--name", lab) if lab else ()))


def _emitted(told: GenericEventArguments) -> object:
    """The value that a browser emitted, which may be anything."""
    return told.args[0] if isinstance(told.args, list) else told.args


def _section(title: str) -> LiveMark:
    with ui.element("section").classes("lab-panel").props(f'aria-label="{title}"'):
        ui.html(title, sanitize=False, tag="h2")
        room = ui.element("div").classes("lab-scroll lab-rows")
        with room.props(f'tabindex="0" role="region" aria-label="{title}, scrolls"'):
            return LiveMark()


def _what_to_do(hub: Hub, reader: Reader) -> str:
    """Why there is nothing to see; empty where there is."""
    if hub.trouble or not hub.now.is_up:
        why = state_of(hub)
        name = f" --name {hub.name}" if hub.name else ""
        return f"{why[:1].upper()}{why[1:]}. `lab up{name}` brings one up; this page follows it."
    if reader.plan is None:
        return reader.trouble or "Reading the lab ..."
    return ""


def build(hub: Hub) -> None:
    """Show it."""
    for style in (STYLE, DRAWING_STYLE, LEGEND_STYLE, TABLE_STYLE, PANEL_STYLE):
        ui.add_css(style)
    ui.add_head_html(SCRIPT)
    View(hub)


PAGE = Page("/", "Lab", build)
"""The first view."""
