"""Make a call, and see its voice pass, packet by packet, while it lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nicegui import run, ui

from lab import storage
from lab.calls.methods import METHODS
from lab.ends import CALLEE, CALLER, EACH_END, OTHER_END
from lab.errors import LabError
from lab.measure.call.files import REFERENCE
from lab.web.call.desk import Desk, desk
from lab.web.call.files import newest_calls
from lab.web.call.form import FIRST, Field, codecs_of, fields, playout_asked, words_of
from lab.web.call.live_match import WINDOW_S, Window
from lab.web.call.live_voice import Session, in_the_clear, live_voice, method_of
from lab.web.call.strip_chart import SAID, deadline_ms, frame, live_data, live_summary
from lab.web.call.tables import MOODS, SIGNS
from lab.web.call.waveform import Waveform, outline
from lab.web.hub import Hub
from lab.web.now import CallNow
from lab.web.pages.call_view import Charts, heading, show_call
from lab.web.pages.page import Page, follow
from lab.wire.playout import Playout

DRAWN_S = 1.0
"""How often packets are drawn while a call lasts."""
EARLIER = 10
"""How many earlier calls are listed."""
CODEC = "codec"


def build(hub: Hub) -> None:
    """Show the form, the call under way, and the call that ended last."""
    charts = Charts()
    with ui.column().classes("w-full gap-3 lab-call"):
        heading(1, "Call")
        _Form(hub, desk(hub))
        _Live(hub, desk(hub), charts)
        _Ended(hub, charts)
        _earlier()


class _Form:
    """Asks for a call, and ends it."""

    def __init__(self, hub: Hub, at: Desk) -> None:
        self._hub = hub
        self._desk = at
        self._made = at.made
        self._entered: dict[str, Any] = {}
        with ui.column().classes("lab-panel gap-3"):
            self._method = ui.select(
                {method.name: f"{method.name}: {method.description}" for method in METHODS},
                label="method",
                value=next(iter(METHODS)).name,
            ).classes("w-full")
            self._method.on_value_change(self._take_codecs)
            known = fields()
            with ui.element("div").classes("lab-pair"):
                for one in known:
                    if one.name in FIRST:
                        self._ask(one)
            with (
                ui.expansion("Advanced").classes("w-full"),
                ui.element("div").classes("lab-pair w-full"),
            ):
                for one in known:
                    if one.name not in FIRST:
                        self._ask(one)
            self._take_codecs()
            with ui.row().classes("items-center gap-3"):
                self._call = ui.button("Call", on_click=self._make).props("no-caps")
                self._hang_up = ui.button("Hang up", on_click=at.hang_up).props("no-caps outline")
                self._state = ui.label().props('role="status" aria-live="polite"')
        # What a command does is not told by the hub alone: it may wait for its turn, or be refused.
        ui.timer(0.5, self._refresh)

    def _ask(self, one: Field) -> None:
        with ui.column().classes("gap-0 w-full"):
            element: Any
            if one.is_flag:
                element = ui.checkbox(one.label)
            elif one.many:
                element = ui.select(list(one.choices), label=one.label, multiple=True, value=[])
            elif one.choices:
                element = ui.select(
                    list(one.choices), label=one.label, value=one.usual or None, clearable=True
                )
            else:
                element = ui.input(one.label, value=one.usual)
            element.classes("w-full")
            ui.label(one.help).classes("lab-quiet text-xs")
            self._entered[one.name] = element

    def _take_codecs(self) -> None:
        codecs = codecs_of(str(self._method.value))
        self._entered[CODEC].set_options(list(codecs), value=codecs[0])

    def _make(self) -> None:
        given = {name: element.value for name, element in self._entered.items()}
        words = words_of(str(self._method.value), given, self._hub.now.lab)
        try:
            playout = playout_asked(words)
        except LabError as error:
            ui.notify(str(error), type="negative", multi_line=True)
            return
        self._desk.make(words, playout)
        self._refresh()

    def _refresh(self) -> None:
        at = self._desk
        self._call.set_enabled(not at.is_busy and self._hub.now.is_up)
        self._hang_up.set_enabled(at.is_busy and not at.interrupted)
        self._state.set_text(self._words())
        if at.made != self._made:
            self._made = at.made
            if at.done is not None and at.made_call_id is None and not at.interrupted:
                ui.notify(at.done.sentence, type="negative", multi_line=True, timeout=10_000)

    def _words(self) -> str:
        """What goes on."""
        at, call = self._desk, self._hub.now.call
        if at.interrupted and at.is_busy:
            return "hanging up …"
        if call is not None:
            return f"{call.method} call {call.call_id}: {call.stage or 'beginning'} …"
        if at.is_busy:
            return "the command is being started, or waits for its turn in the lab …"
        return "" if self._hub.now.is_up else "no lab is up"


@dataclass(slots=True)
class _Clip:
    """The clip of the call under way."""

    call_id: str
    outline: Waveform | None = None


class _Live:
    """The call under way."""

    def __init__(self, hub: Hub, at: Desk, charts: Charts) -> None:
        self._hub = hub
        self._desk = at
        self._clip = _Clip("")
        with ui.column().classes("lab-panel gap-2") as self._panel:
            heading(2, "The call under way")
            self._about = ui.label()
            self._packets = ui.checkbox("live packets", value=True)
            self._packets.props["title"] = (
                "Capture the voice at both ends and draw it, for as long as somebody looks."
            )
            self._message = ui.label().classes("lab-quiet")
            with ui.column().classes("w-full gap-2") as self._drawing:
                self._charts: dict[str, ui.echart] = {}
                self._summaries: dict[str, ui.label] = {}
                for hearer in (CALLEE, CALLER):
                    heading(3, f"From the {OTHER_END[hearer]} to the {hearer}")
                    self._summaries[hearer] = ui.label()
                    label = f"One-way delay of the packets to the {hearer}, last {WINDOW_S:.0f} s"
                    self._charts[hearer] = charts.add(frame([SAID], WINDOW_S), 1, label)
        ui.timer(DRAWN_S, self._draw)

    async def _draw(self) -> None:
        call = self._hub.now.call
        self._panel.set_visibility(call is not None)
        if call is None:
            return
        self._about.set_text(_about_call(call))
        session, why_not = self._session(call)
        self._drawing.set_visibility(session is not None)
        if session is None:
            self._message.set_text(why_not)
            return
        playout = self._desk.playout_of(call.call_id, list(self._hub.now.happenings))
        windows = session.windows()
        self._message.set_text(session.trouble or _about(session, windows, playout))
        said = await self._said(call)
        for hearer, window in windows.items():
            self._summaries[hearer].set_text(live_summary(hearer, window, playout))
            there = said if session.saw_the_beginning(hearer) else None
            data = live_data(window, playout, there)
            self._charts[hearer].run_chart_method("setOption", data)

    def _session(self, call: CallNow) -> tuple[Session | None, str]:
        """What is captured of the call for whoever looks; or None, and why."""
        method = method_of(call)
        if method is None:
            return None, f"This page knows no method {call.method}: its packets are not shown."
        if not in_the_clear(method):
            return None, (
                f"The voice of {call.method} calls is encrypted wherever it could be captured: its "
                "packets are shown when the call is over."
            )
        if not self._packets.value:
            return None, "Its packets are shown when the call is over."
        session = live_voice(self._hub).look()
        return session, "Its packets are shown as soon as its path is open, and there is voice."

    async def _said(self, call: CallNow) -> Waveform | None:
        """The clip that both ends play; None while it is not there."""
        if self._clip.call_id != call.call_id:
            self._clip = _Clip(call.call_id)
        if self._clip.outline is None and self._hub.now.lab is not None:
            project = storage.project_directory(self._hub.now.lab)
            self._clip.outline = await run.io_bound(
                outline, project / "calls" / call.call_id / REFERENCE
            )
        return self._clip.outline


def _about_call(call: CallNow) -> str:
    circuits = "; ".join(
        f"circuit of the {end}: {' → '.join(relays)}" for end, relays in call.circuits.items()
    )
    run_id = f" of run {call.run_id}" if call.run_id else ""
    return f"{call.method} call {call.call_id}{run_id}, {call.codec}" + (
        f"; {circuits}" if circuits else ""
    )


def _about(session: Session, windows: Mapping[str, Window], playout: Playout | None) -> str:
    """What of the call is shown, and what cannot be known yet."""
    if not session.capturing:
        return "The live captures begin …"
    known = all(session.saw_the_beginning(hearer) for hearer in EACH_END)
    unknown = (
        ""
        if known or not all(window.came for window in windows.values())
        else " When its voice began was not seen, so the clip is not drawn."
    )
    return _about_deadline(windows.values(), playout) + unknown


def _about_deadline(windows: Iterable[Window], playout: Playout | None) -> str:
    """What of the playout deadline can be known now."""
    if playout is None:
        return (
            "Which playout buffer a call has that was not started here is told when it is over: "
            "until then no deadline is drawn."
        )
    if playout.adaptive:
        return f"Playout {playout}: where it is, is worked out when the call is over."
    if all(deadline_ms(window, playout) is None for window in windows):
        return f"Playout {playout}."
    return (
        f"Playout {playout}: the deadline is drawn {playout.depth_ms} ms after the fastest packet; "
        "where it really was is worked out when the call is over."
    )


class _Ended:
    """The call that ended last, unless it is one of a run, of which there are many."""

    def __init__(self, hub: Hub, charts: Charts) -> None:
        self._hub = hub
        self._charts = charts
        self._shown: str | None = None
        self._place = ui.column().classes("w-full")
        follow(hub, self._refresh)

    def _refresh(self) -> None:
        ended = self._hub.now.ended
        if ended is None or ended.call_id == self._shown or self._hub.now.run is not None:
            return
        self._shown = ended.call_id
        self._place.clear()
        with self._place:
            show_call(ended.call_id, self._charts, 2)


def _earlier() -> None:
    """Links to the calls before."""
    with ui.expansion("Earlier calls").classes("lab-panel") as opened:
        place = ui.column().classes("gap-1")

    async def load() -> None:
        if not opened.value:
            return
        place.clear()
        with place:
            try:
                calls = await run.io_bound(newest_calls, EARLIER)
            except LabError as error:
                ui.label(error.message)
                return
            for record in calls or ():
                verdict = record.verdict
                with ui.row().classes("items-baseline gap-2"):
                    ui.link(f"{record.method} call {record.call_id}", f"/calls/{record.call_id}")
                    ui.label(f"{SIGNS[verdict]} {verdict}").classes(f"lab-{MOODS[verdict]}")
            if not calls:
                ui.label("There are none.")

    refresh: Callable[[], Any] = load
    opened.on_value_change(refresh)


PAGE = Page("/call", "Call", build)
