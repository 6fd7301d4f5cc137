"""The guided demonstrations: which there are, and the one that is being given, for all viewers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nicegui import app, html, run, ui
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, PlainTextResponse, Response

from lab.demo.demonstration import Demonstration
from lab.demo.demonstrations import DEMONSTRATIONS
from lab.demo.lines import Heard, RecordWritten
from lab.errors import LabError
from lab.web.demonstrations.giving import Giving
from lab.web.demonstrations.transcript import Awaited, Screen
from lab.web.hub import Hub
from lab.web.pages.demo_questions import ask
from lab.web.pages.demo_telling import tell
from lab.web.pages.page import Page

LOOK_S = 0.3
"""How often a viewer looks whether the demonstration has gone on."""
PATH = "/demos"
GIVE_UP = "Give up"
FOLLOW = """
requestAnimationFrame(() => {
  const first = document.getElementById("%s");
  if (first && first.getBoundingClientRect().top < 1.5 * innerHeight) {
    first.scrollIntoView({block: "start"});
  }
})
"""
"""Brings what is new to the top, for a viewer who has not gone back to read."""
STYLE = """
.demo-told { max-width: 46rem } .demo-told > * { scroll-margin-top: 1rem }
.demo-told p { margin: .4rem 0 }
.demo h1 { font-size: 1.5rem; line-height: 1.3; margin: .2rem 0 .6rem; font-weight: 600 }
.demo h2 { font-size: 1.15rem; line-height: 1.3; margin: 1.2rem 0 .3rem; font-weight: 600 }
.demo article h2 { font-size: 1rem; line-height: 1.4; margin: 0 0 .3rem }
.demo article p { margin: 0 0 .5rem }
.demo table { border-collapse: collapse; font-variant-numeric: tabular-nums }
.demo caption { text-align: left; font-weight: 600; padding: .4rem 0 }
.demo th, .demo td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
  vertical-align: top }
.demo th { vertical-align: bottom; border-bottom-width: 2px } .demo .name { text-align: left }
.demo-scroll { overflow-x: auto; max-width: 100% }
.demo figure { margin: .8rem 0 } .demo figcaption { color: var(--quiet) }
.demo figure img { background: #fff; max-width: 100%; height: auto; border-radius: 4px }
.demo audio { width: 100%; max-width: 24rem }
.demo fieldset { border: 2px solid var(--accent); border-radius: 6px; padding: 12px; margin: 12px 0;
  max-width: 46rem; min-width: 0 }
.demo legend { font-weight: 600; padding: 0 6px }
.demo fieldset label { display: flex; gap: .6rem; align-items: baseline; padding: .35rem 0;
  cursor: pointer }
.demo input[type=range] { flex: 1 1 12rem; min-width: 8rem; accent-color: var(--accent) }
.demo input[type=radio] { accent-color: var(--accent) }
.demo input:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.demo ul.demo-choices { margin: .3rem 0 .6rem; padding: 0; list-style: none }
.demo .demo-given { font-weight: 600 }
.demo-status { background: var(--panel); border-top: 1px solid var(--line); padding: 8px 0;
  margin-top: 12px }
.demo-sticks { position: sticky; bottom: 0 }
.demo-list { display: grid; gap: 12px; grid-template-columns: repeat(auto-fill, minmax(min(19rem,
  100%), 1fr)) }
.demo a { color: var(--accent) }
"""


def build(hub: Hub) -> None:
    """Show them."""
    ui.add_css(STYLE)
    with html.div().classes("demo"):
        stage = _Stage(hub)
        listed = html.section().props('aria-labelledby="demo-list"')
    stage.look()
    ui.timer(LOOK_S, stage.look)
    if hub.demonstrating.done is not None:
        listed.set_visibility(False)
        return

    async def fill() -> None:
        demonstrations = await run.io_bound(lambda: tuple(DEMONSTRATIONS))
        with listed:
            _list(hub, demonstrations or ())

    ui.timer(0, fill, once=True)


def _list(hub: Hub, demonstrations: tuple[Demonstration, ...]) -> None:
    html.h1("Demonstrations").props('id="demo-list"')
    html.p(
        "Each asks a question and for your prediction, makes calls that answer it, says why, asks "
        "a question to close, and writes a record. Who starts one gives it to all who look here."
    )
    own = ui.checkbox("In a lab of its own, which is brought up for it and taken down at the end")
    with html.div().classes("demo-list"):
        for each in demonstrations:
            with html.article().classes("lab-panel"):
                html.h2(each.title)
                html.p(each.scene)
                html.p(f"{each.name}: runs in a lab like {each.topology}.").classes("lab-quiet")
                start = ui.button("Start", on_click=_starter(hub, each.name, own))
                start.props(f'no-caps aria-label="Start {each.name}"')


def _starter(hub: Hub, name: str, own: ui.checkbox) -> Callable[[], object]:
    async def start() -> None:
        words: tuple[str, ...] = ()
        if own.value:
            words = ("--up",)
        elif hub.now.is_up and hub.now.lab:
            words = ("--name", hub.now.lab)
        try:
            await run.io_bound(hub.demonstrating.start, name, words)
        except LabError as error:
            ui.notify(error.message, type="warning")
            return
        ui.run_javascript("window.scrollTo(0, 0)")

    return start


class _Stage:
    """The demonstration that is being given, as one viewer sees it."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._giving: Giving | None = None
        self._screen: Screen | None = None
        self._told = 0
        self._asked = 0
        self._panel = html.section().classes("lab-panel").props('aria-label="under way"')
        self._panel.set_visibility(False)

    def look(self) -> None:
        """Show what has become of it since the viewer last looked."""
        giving = self._hub.demonstrating.giving
        if giving is None:
            return
        if giving is not self._giving:
            self._begin(giving)
        screen = giving.transcript.screen
        if screen is self._screen:
            return
        self._tell(giving, screen)
        asked = screen.awaited.number if screen.awaited else 0
        if asked != self._asked:
            self._asked = asked
            self._ask(giving, screen.awaited)
        if screen.ended and not (self._screen and self._screen.ended):
            self._give_up.set_visibility(False)
            # It would lie over what is to be done now.
            self._bar.classes(remove="demo-sticks")
            with self._end:
                self._close(giving, screen)
        self._status.set_text(screen.sentence)
        self._spinner.set_visibility(not screen.ended and not screen.awaited)
        self._screen = screen

    def _begin(self, giving: Giving) -> None:
        self._giving, self._screen, self._told, self._asked = giving, None, 0, 0
        self._panel.clear()
        self._panel.set_visibility(True)
        with self._panel:
            self._log = html.div().classes("demo-told")
            self._log.props('role="log" aria-live="polite" aria-label="what is told"')
            self._form = html.div()
            self._end = html.div()
            with ui.row().classes("demo-status items-center gap-3 w-full no-wrap") as self._bar:
                self._bar.classes("demo-sticks")
                self._spinner = ui.spinner(size="1.4em").props('aria-hidden="true"')
                self._status = ui.label().classes("col").props('role="status"')
                self._give_up = ui.button(GIVE_UP, on_click=giving.give_up)
                self._give_up.props("no-caps outline")

    def _tell(self, giving: Giving, screen: Screen) -> None:
        shown = len(self._log.default_slot.children)
        with self._log:
            for number, told in enumerate(screen.told[self._told :], self._told):
                tell(told, number, f"{PATH}/sound/{giving.number}")
        self._told = len(screen.told)
        new = self._log.default_slot.children[shown:]
        if shown and new:
            ui.run_javascript(FOLLOW % new[0].html_id)

    def _ask(self, giving: Giving, awaited: Awaited | None) -> None:
        self._form.clear()
        if awaited is None:
            return

        def answer(given: int | str) -> None:
            if not giving.answer(awaited.number, given):
                ui.notify("This question has been answered by another viewer.")
            self.look()

        with self._form:
            ask(awaited.asked, answer)

    def _close(self, giving: Giving, screen: Screen) -> None:
        record = screen.record
        if record:
            html.h2("The record")
            _record_links(record, giving.number)
        else:
            html.p(screen.sentence).classes("lab-bad")
        if self._hub.demonstrating.done is not None:
            done = ui.button("Done", on_click=lambda: ui.navigate.to(f"{PATH}/done"))
            done.props("no-caps").classes("q-mt-md")


def _record_links(record: RecordWritten, number: int) -> None:
    at = f"{PATH}/record/{number}"
    with html.p():
        html.a("Open the record").props(f'href="{at}" target="_blank"')
        html.span(" or ")
        save = html.a("save it").props(f'href="{at}"')
        save.props["download"] = record.file.name
        html.span(f"; it is {record.file}.").classes("lab-quiet")


def routes(hub: Hub) -> None:
    """Have the files of the demonstration answered, and the end of the page."""
    demonstrating = hub.demonstrating

    def screen_of(number: int) -> Screen | None:
        """What there is to see of the demonstration of that number; None of an earlier one."""
        giving = demonstrating.giving
        return giving.transcript.screen if giving and number == giving.number else None

    @app.get(f"{PATH}/record/{{number}}", response_model=None)
    def record(number: int) -> Response:
        screen = screen_of(number)
        return _file(screen.record.file if screen and screen.record else None, "text/html")

    @app.get(f"{PATH}/sound/{{number}}/{{told}}", response_model=None)
    def sound(number: int, told: int) -> Response:
        screen = screen_of(number)
        there = screen.told[told] if screen and 0 <= told < len(screen.told) else None
        return _file(there.file if isinstance(there, Heard) else None, "audio/wav")

    @app.get(f"{PATH}/done", response_model=None)
    def done() -> Response:
        """The record stays in the browser, and the command ends."""
        giving = demonstrating.giving
        if demonstrating.done is None or giving is None or giving.runs:
            return PlainTextResponse("There is nothing to be done with.\n", 404)
        record, end = giving.transcript.screen.record, BackgroundTask(demonstrating.done.set)
        if record is None:
            return PlainTextResponse(
                "The demonstration has ended without a record.\n", background=end
            )
        return FileResponse(record.file, media_type="text/html", background=end)


def _file(file: Path | None, kind: str) -> Response:
    if file is None or not file.is_file():
        return PlainTextResponse("This file is not there any more.\n", 404)
    return FileResponse(file, media_type=kind, headers={"cache-control": "no-store"})


PAGE = Page(PATH, "Demonstrations", build, routes=routes)
