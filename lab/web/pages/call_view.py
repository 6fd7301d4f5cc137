"""What is shown of a call that is over: the same on its own page, and where it was just made."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote
from weakref import WeakKeyDictionary

from nicegui import run, ui
from nicegui.events import ValueChangeEventArguments

from lab.ends import CALLEE, CALLER, EACH_END, OTHER_END
from lab.errors import LabError
from lab.measure.call.files import REFERENCE
from lab.web.call.files import AUDIO, StoredCall, is_kept, stored_call
from lab.web.call.strip import Strip, Way, read_strip
from lab.web.call.strip_chart import Options, Points, height_px, past_chart
from lab.web.call.tables import (
    MOODS,
    SIGNS,
    Table,
    as_html,
    bandwidth_table,
    opinions_table,
    told,
    way_table,
    whole_record,
)
from lab.web.call.waveform import Waveform, outline
from lab.web.runs.progress import when

STORED_WITHIN_S, AGAIN_S = 60.0, 0.5
"""A call is told to have ended a moment before it is stored."""
LEAST_SHOWN_S = 0.5
STYLE = """
.lab-figures { border-collapse: collapse; width: 100% }
.lab-figures caption { text-align: left; font-weight: 600; padding: 4px 0 }
.lab-figures th, .lab-figures td { text-align: right; padding: 3px 8px; vertical-align: top;
  border-bottom: 1px solid var(--line); font-weight: 400; overflow-wrap: anywhere }
.lab-figures th { overflow-wrap: break-word }
.lab-figures th[scope=row], .lab-figures th:first-child { text-align: left }
.lab-figures thead th { color: var(--quiet) }
.lab-scroll { overflow-x: auto; width: 100% }
.lab-told { display: grid; grid-template-columns: minmax(6em, 24%) 1fr; gap: 4px 12px; margin: 0;
  width: 100% }
.lab-told dt { color: var(--quiet) } .lab-told dd { margin: 0; overflow-wrap: anywhere }
.lab-call h1 { font-size: 1.5rem; line-height: 1.3; margin: 0; overflow-wrap: anywhere }
.lab-call h2 { font-size: 1.15rem; line-height: 1.3; margin: 0; overflow-wrap: anywhere }
.lab-call h3 { font-size: 1.05rem; line-height: 1.3; margin: 0 }
.lab-call a { color: var(--accent) }
.lab-call audio { width: 100%; max-width: 420px }
.lab-pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr));
  gap: 12px; width: 100% }
"""
MODE = """<script>{ let dark = null; new MutationObserver(() => {
  const now = document.body.classList.contains('body--dark');
  if (now !== dark) { dark = now; emitEvent('lab-mode'); }
}).observe(document.body, {attributes: true, attributeFilter: ['class']}); }</script>"""
"""Tells when light has become dark: a chart has to look its colours up again."""


class Charts:
    """The charts of one viewer, redrawn when light becomes dark."""

    def __init__(self) -> None:
        self._charts: list[ui.echart] = []
        self._zoomed: WeakKeyDictionary[ui.echart, Options] = WeakKeyDictionary()
        ui.add_css(STYLE)
        ui.add_body_html(MODE)
        ui.on("lab-mode", self._redraw)

    def add(self, options: Options, waves: int, label: str) -> ui.echart:
        """A chart of so many waveforms; `label` is what a screen reader calls it."""
        chart = ui.echart(options).classes("w-full").style(f"height: {height_px(waves)}px")
        chart.props["role"] = "img"
        chart.props["aria-label"] = label
        self._charts.append(chart)
        return chart

    def zoom(self, chart: ui.echart, from_s: float, until_s: float) -> None:
        """Show only a part of a chart."""
        ends = {"min": from_s, "max": max(until_s, from_s + LEAST_SHOWN_S)}
        self._zoomed[chart] = {"xAxis": [ends] * len(chart.options["xAxis"])}
        chart.run_chart_method("setOption", self._zoomed[chart])

    def _redraw(self) -> None:
        self._charts = [chart for chart in self._charts if not chart.is_deleted]
        for chart in self._charts:
            chart.update()
            if chart in self._zoomed:
                chart.run_chart_method("setOption", self._zoomed[chart])


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What the charts of a call need, read from its files."""

    strip: Strip
    said: Waveform | None
    heard: dict[str, Points]
    """End → the waveform of its recording, shifted so that the clip stands below what was said."""


def heading(level: int, text: str) -> None:
    """A heading of a page, 1 the highest."""
    ui.html(f"<h{level}>{escape(text)}</h{level}>", sanitize=False)


def show_call(call_id: str, charts: Charts, level: int = 1) -> None:
    """Show a call here as soon as it is stored, under whatever element is open.

    `level` is that of its heading.
    """
    with ui.column().classes("w-full lab-call") as place:
        waiting = ui.label(f"reading call {call_id} …").classes("lab-quiet")

    async def load() -> None:
        try:
            call = await _stored(call_id)
        except LabError as error:
            waiting.set_text(error.message)
            return
        if place.is_deleted:
            return
        if call is None:
            waiting.set_text(f"There is no call {call_id} in the store.")
            return
        waiting.delete()
        with place:
            await _show(call, charts, level)

    ui.timer(0, load, once=True)


async def _stored(call_id: str) -> StoredCall | None:
    for _ in range(round(STORED_WITHIN_S / AGAIN_S)):
        call = await run.io_bound(stored_call, call_id)
        if call is not None or not await run.io_bound(is_kept, call_id):
            return call
        await asyncio.sleep(AGAIN_S)
    return None


async def _show(call: StoredCall, charts: Charts, level: int) -> None:
    record = call.record
    verdict = record.verdict
    heading(level, f"{record.method} call {record.call_id}")
    with ui.column().classes("lab-panel gap-1"):
        ui.label(f"{SIGNS[verdict]} {verdict}").classes(f"lab-{MOODS[verdict]} text-lg")
        for reason in record.reasons:
            ui.label(f"{verdict} because {reason}").classes("text-sm")
        with ui.row().classes("items-baseline gap-x-4 gap-y-1 lab-quiet text-sm"):
            began = f"begun {when(record.started_at)} UTC"
            ui.label(f"{began}, in lab {record.lab} ({record.topology})")
            if record.run_id:
                ui.link(f"run {record.run_id}", f"/runs/{quote(record.run_id)}")
    files = await run.io_bound(
        lambda: {name: file.stat().st_size for name, file in call.files.items()}
    )
    _players(record.call_id, files or {})
    strips = ui.column().classes("w-full gap-3")
    with strips:
        reading = ui.label("reading its packets …").classes("lab-quiet")
    with ui.element("div").classes("lab-pair"):
        for table in (opinions_table(record), way_table(record), bandwidth_table(record)):
            with ui.column().classes("lab-panel lab-scroll"):
                ui.html(as_html(table), sanitize=False).classes("w-full")
    with ui.column().classes("lab-panel"), ui.element("dl").classes("lab-told"):
        for about, what in told(record):
            with ui.element("dt"):
                ui.label(about)
            with ui.element("dd"):
                ui.label(what)
    _files(record.call_id, files or {})
    with (
        ui.expansion("The whole record").classes("lab-panel"),
        ui.element("div").classes("lab-scroll"),
    ):
        ui.html(as_html(whole_record(record)), sanitize=False)
    if call.directory is None:
        reading.set_text("Its files are gone: its packets are not shown.")
        return
    drawn = await run.io_bound(_draw, call.directory)
    if drawn is None or strips.is_deleted:
        return
    reading.delete()
    with strips:
        _strips(drawn, charts, level + 1)


def _players(call_id: str, files: dict[str, int]) -> None:
    """What was said, and what was heard at both ends."""
    own = {
        REFERENCE: "What was said",
        f"{CALLEE}.wav": "What the callee heard",
        f"{CALLER}.wav": "What the caller heard",
    }
    others = {
        name: f"The same, heard otherwise: {name}"
        for name in files
        if name.endswith(AUDIO) and name.startswith(tuple(f"{end}-" for end in EACH_END))
    }
    with ui.element("div").classes("lab-pair"):
        for name, title in (own | others).items():
            with ui.column().classes("lab-panel gap-1"):
                ui.label(title)
                if name in files:
                    player = ui.audio(f"/calls/{quote(call_id)}/audio/{quote(name)}")
                    player.props["aria-label"] = title
                    player.props["preload"] = "metadata"
                else:
                    ui.label("not recorded").classes("lab-quiet")


def _files(call_id: str, files: dict[str, int]) -> None:
    with ui.expansion(f"Its files ({len(files)})").classes("lab-panel"):
        for name, size in files.items():
            with ui.row().classes("items-baseline gap-2"):
                ui.link(name, f"/calls/{quote(call_id)}/files/{quote(name)}")
                ui.label(f"{size:,} bytes").classes("lab-quiet text-sm")


def _draw(directory: Path) -> _Drawn:
    strip = read_strip(directory)
    said = outline(directory / REFERENCE)
    if said is not None and strip.said_s:
        said = said.played_for(strip.said_s)
    heard = {}
    for end in EACH_END:
        own = outline(directory / f"{end}.wav")
        if own is not None:
            shift_s = strip.clip_in_recording_ms.get(end, 0.0) / 1e3
            until_s = (said.duration_s if said else own.duration_s) + 2
            heard[end] = [
                [round(at - shift_s, 3), level]
                for at, level in own.points
                if -1 <= at - shift_s <= until_s
            ]
    return _Drawn(strip, said, heard)


def _strips(drawn: _Drawn, charts: Charts, level: int) -> None:
    if drawn.strip.lacking is not None:
        ui.label(f"Its packets are not shown: {drawn.strip.lacking}.").classes("lab-panel")
        return
    for way in drawn.strip.ways:
        with ui.column().classes("lab-panel gap-2"):
            _strip(way, drawn, charts, level)


def _stalls(way: Way) -> Table:
    rows = [(f"{gap.at_s:.2f} s", f"{gap.ms:.0f} ms", gap.cause) for gap in way.gaps]
    return Table(f"Stalls of the {way.hearer}", ("at", "for", "because packets were"), tuple(rows))


def _strip(way: Way, drawn: _Drawn, charts: Charts, level: int) -> None:
    heading(level, f"From the {OTHER_END[way.hearer]} to the {way.hearer}")
    ui.label(way.summary)
    if way.gaps:
        total_ms = sum(gap.ms for gap in way.gaps)
        ui.label(
            f"{len(way.gaps)} stalls, {total_ms:.0f} ms in all, shaded in the chart: in them "
            "nothing of the voice was played."
        ).classes("text-sm")
        with ui.expansion("Every stall").classes("w-full"), ui.element("div").classes("lab-scroll"):
            ui.html(as_html(_stalls(way)), sanitize=False)
    heard = drawn.heard.get(way.hearer)
    waves = sum(each is not None for each in (drawn.said, heard))
    options = past_chart(way, drawn.said, heard)
    chart = charts.add(options, waves, f"One-way delay of every packet. {way.summary}")
    if heard is not None:
        shift_ms = drawn.strip.clip_in_recording_ms.get(way.hearer)
        ui.label(
            "What was heard is drawn from the beginning of its recording: the clip was not found "
            "in it."
            if shift_ms is None
            else f"What was heard is drawn {shift_ms:.0f} ms earlier than it stands in its "
            "recording, so that it is below what was said."
        ).classes("lab-quiet text-sm")
    _zoom(chart, options, charts, f"shown part of the voice to the {way.hearer}, seconds")


def _zoom(chart: ui.echart, options: Options, charts: Charts, label: str) -> None:
    """Two thumbs that choose the part that is shown, by mouse or arrow keys."""
    until_s = options["xAxis"][0]["max"]

    def zoom(change: ValueChangeEventArguments[dict[str, float] | None]) -> None:
        if change.value is not None:
            charts.zoom(chart, change.value["min"], change.value["max"])
            _tell(part, change.value["min"], change.value["max"])

    part = ui.range(min=0, max=until_s, step=0.1, on_change=zoom).props("label")
    part.props["aria-label"] = label
    _tell(part, 0, until_s)


def _tell(part: ui.range, from_s: float, until_s: float) -> None:
    """Say where both thumbs are: a slider has one value, and Quasar's own is none: `0|12`."""
    part.props["aria-valuenow"] = from_s
    part.props["aria-valuetext"] = f"{from_s:g} s to {until_s:g} s"
