"""What is beside the drawing: one node or one link, with all that can be done to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from html import escape

from nicegui import ui

from lab.faults.kind import FaultKind
from lab.faults.kinds import FAULT_KINDS
from lab.web.commands import Done, run_lab
from lab.web.hub import Hub
from lab.web.pages.doing import Doing
from lab.web.pages.live_mark import LiveMark
from lab.web.topology.reader import Reader
from lab.web.topology.tables import figures_of_link, figures_of_node
from lab.wire.shape import Direction

LINES = 60
"""Of a node's log."""
DIRECTIONS = {str(Direction.OUT): "what it sends", str(Direction.IN): "what it receives"}
AMOUNTS = (
    ("--rate", "rate", "such as 10mbit; none takes the cap off"),
    ("--delay", "delay", "such as 20ms"),
    ("--loss", "loss", "such as 0.5%"),
)
"""Option of `lab link set`, what it is called here, how it is written."""
STYLE = """
.lab-panel h2 { font-size: 17px; font-weight: 600; line-height: 1.3; margin: 0 }
.lab-panel h3 { font-size: 14px; font-weight: 600; line-height: 1.3; margin: 12px 0 4px }
.lab-log-text { font: 11px ui-monospace, monospace; max-height: 240px; overflow: auto; margin: 0;
  white-space: pre-wrap; overflow-wrap: anywhere; background: var(--page); padding: 6px;
  border: 1px solid var(--line); border-radius: 4px }
.lab-said { font-size: 13px; overflow-wrap: anywhere }
.lab-panel .q-btn--dense { padding: 2px 10px }
"""


class Panel:
    """Empty until something is opened."""

    def __init__(self, hub: Hub, reader: Reader, closed: Callable[[], None]) -> None:
        """`closed` is told when its viewer closes it."""
        self._hub = hub
        self._reader = reader
        self._closed = closed
        self._figures: LiveMark | None = None
        self.what: str | None = None
        """The key of what is open."""
        self.root = ui.element("aside").classes("lab-panel").props('aria-label="details"')
        self.root.set_visibility(False)
        self.root.on("keydown.esc", self.close)

    @property
    def link(self) -> tuple[str, str] | None:
        """The link that is open."""
        kind, _, rest = (self.what or "").partition(":")
        if kind != "link":
            return None
        node, _, network = rest.partition(":")
        return node, network

    def open(self, what: str) -> None:
        """Show a node or a link: `node:caller`, `link:caller:home`."""
        if not self._is_there(what):
            return
        self.what = what
        self.root.clear()
        with self.root:
            if self.link is not None:
                self._show_link(*self.link)
            else:
                self._show_node(what.removeprefix("node:"))
            self.root.set_visibility(True)
            ui.run_javascript(
                f"const head = document.getElementById('{self._title.html_id}');"
                "head?.focus(); head?.scrollIntoView({block: 'nearest'})"
            )
        self.refresh()

    def close(self) -> None:
        """Show nothing, and let what was looked at have the focus again."""
        what, self.what, self._figures = self.what, None, None
        self.root.clear()
        self.root.set_visibility(False)
        if what is not None:
            with self.root:
                ui.run_javascript(f"labBack({json.dumps(what)})")
        self._closed()

    def refresh(self) -> None:
        """Show the figures of this moment."""
        plan = self._reader.plan
        if self.what is None or self._figures is None or plan is None:
            return
        now, read = self._hub.now, self._reader.read
        if self.link is not None:
            self._figures.show(figures_of_link(plan, now, read, self.link))
        else:
            node = self.what.removeprefix("node:")
            self._figures.show(figures_of_node(plan, now, read, node))

    def _is_there(self, what: str) -> bool:
        """Whether there is such a thing; what comes from a browser may be anything."""
        plan = self._reader.plan
        if plan is None:
            return False
        links = {f"link:{node}:{network}" for node, network, _ in plan.shapes}
        return what in links or what in {f"node:{node}" for node in plan.roles}

    def _head(self, title: str) -> Doing:
        """The title, the figures, and where is said what becomes of what is done here."""
        with ui.row().classes("items-center no-wrap w-full"):
            self._title = ui.html(escape(title), sanitize=False, tag="h2").props('tabindex="-1"')
            close = ui.button("Close", on_click=self.close).props("flat dense no-caps")
            close.classes("q-ml-auto")
        self._figures = LiveMark()
        return Doing()

    def _show_link(self, node: str, network: str) -> None:
        doing = self._head(f"{node} on {network}")
        _heading("Change it")
        direction = ui.radio(DIRECTIONS, value=str(Direction.OUT)).props("inline dense")
        direction.props('aria-label="of which direction"')
        fields: dict[str, ui.input] = {}
        with ui.element("form").classes("w-full") as form:
            for option, name, example in AMOUNTS:
                fields[option] = _field(name, example)
            with ui.row().classes("gap-2 q-mt-xs"):
                ui.button("Set").props("type=submit outline dense no-caps")
                _button("Reset", lambda: self._do(doing, "link", "reset", node, network))
        form.on("submit.prevent", lambda: self._set(node, network, direction, fields, doing))
        ui.label("What is left empty stays as it is.").classes("lab-quiet text-caption")
        _heading("Break it")
        lasts = _field("for how long", "such as 2s; empty: until it is ended")
        share = _field("share of packets to lose", "such as 20%")
        self._breaking((node, network), doing, lasts, share)

    def _show_node(self, node: str) -> None:
        doing = self._head(node)
        _heading("Break it")
        lasts = _field("for how long", "such as 2s; empty: until it is ended")
        self._breaking((node,), doing, lasts, None)
        with ui.row().classes("items-center gap-2 q-mt-sm"):
            _heading("Its last lines")
            again = ui.button("Refresh").props("flat dense no-caps")
            again.props(f'aria-label="refresh the log of {node}"')
        text = ui.html("", sanitize=False, tag="pre").classes("lab-log-text")
        text.props(f'tabindex="0" role="region" aria-label="log of {node}"')

        async def read() -> None:
            done = await run_lab("logs", *self._name(), "-n", str(LINES), node)
            if not text.is_deleted:
                text.set_content(escape(_log_of(done)))
                with text:
                    ui.run_javascript(f"labToEnd('{text.html_id}')")

        again.on_click(read)
        ui.timer(0.05, read, once=True)

    def _breaking(
        self, place: tuple[str, ...], doing: Doing, lasts: ui.input, share: ui.input | None
    ) -> None:
        """A button for every kind of fault that a link, or a node, can have, and for its end."""
        kinds = [kind for kind in FAULT_KINDS if kind.on_link is (len(place) > 1)]
        with ui.row().classes("gap-2 q-mt-xs"):
            for kind in kinds:
                begin = partial(self._break, kind, place, doing, lasts, share)
                _button(kind.name, begin, f"{kind.description.replace('NODE', place[0])}.")
            for word in dict.fromkeys(kind.ended_by for kind in kinds):
                _button(word, partial(self._do, doing, "fault", word, *place))

    async def _break(
        self,
        kind: FaultKind,
        place: tuple[str, ...],
        doing: Doing,
        lasts: ui.input,
        share: ui.input | None,
    ) -> None:
        words = ["fault", kind.name, *place]
        if kind.has_share and share is not None:
            words.append((share.value or "").strip())
        if wanted := (lasts.value or "").strip():
            words += ["--for", wanted]
        await self._do(doing, *words)

    async def _set(
        self,
        node: str,
        network: str,
        direction: ui.radio,
        fields: dict[str, ui.input],
        doing: Doing,
    ) -> None:
        wanted = [
            word
            for option, field in fields.items()
            if (text := (field.value or "").strip())
            for word in (option, text)
        ]
        words = ("link", "set", node, network, "--direction", direction.value, *wanted, "--json")
        await self._do(doing, *words)

    async def _do(self, doing: Doing, *words: str) -> None:
        await doing.run(*words, *self._name())

    def _name(self) -> tuple[str, ...]:
        lab = self._hub.now.lab
        return () if lab is None else ("--name", lab)


def _heading(text: str) -> None:
    ui.html(escape(text), sanitize=False, tag="h3")


def _button(text: str, action: Callable[[], object], tooltip: str = "") -> None:
    button = ui.button(text, on_click=action).props("outline dense no-caps")
    if tooltip:
        button.tooltip(tooltip)


def _field(name: str, example: str) -> ui.input:
    """An input with its name and how it is written."""
    return ui.input(name, placeholder=example).props("dense outlined stack-label").classes("w-full")


def _log_of(done: Done) -> str:
    """What a node wrote on both its outputs; why there is nothing where it cannot be had."""
    lines = [part.rstrip() for part in (done.out, done.err) if part.strip()]
    return "\n".join(lines) or "It has written nothing."
