"""What all pages have in common: the frame around them, and how they follow the hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nicegui import ui

from lab.web.hub import Hub

LOOK_S = 0.5
"""How often a viewer looks whether there are news."""
MODES = (("auto", None), ("light", False), ("dark", True))
STYLE = """
:root { --page: #ffffff; --text: #1b1f24; --quiet: #57606a; --line: #d0d7de; --panel: #f6f8fa;
  --accent: #0550ae; --good: #116329; --bad: #b3261e; --warn: #7d4e00 }
.body--dark { --page: #12161c; --text: #e6edf3; --quiet: #9aa4af; --line: #333b45; --panel: #1a2028;
  --accent: #79b8ff; --good: #56d364; --bad: #ff8a80; --warn: #e3b341; color-scheme: dark }
body { background: var(--page); color: var(--text); --q-primary: var(--accent) !important }
@layer overrides {
  .q-notification .q-btn { color: inherit !important }
  .q-btn.bg-primary { color: var(--page) !important }
}
.nicegui-content { padding: 0 }
.lab-frame { max-width: 1400px; margin: 0 auto; padding: 12px 16px; width: 100% }
.lab-panel { background: var(--panel); border: 1px solid var(--line); border-radius: 6px;
  padding: 12px; width: 100% }
.lab-menu { background: var(--panel); border-bottom: 1px solid var(--line); width: 100% }
.lab-menu a { color: var(--text); text-decoration: none; padding: 4px 8px; border-radius: 4px }
.lab-menu a[aria-current] { background: var(--accent); color: var(--page) }
h1, h2, h3 { line-height: 1.3; letter-spacing: normal; margin: 0; font-weight: 600 }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem } h3 { font-size: 1rem }
.lab-quiet { color: var(--quiet) } .lab-good { color: var(--good) } .lab-bad { color: var(--bad) }
.lab-warn { color: var(--warn) }
.lab-now { margin-left: auto; overflow-wrap: anywhere }
a:focus-visible, button:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--accent) }
"""


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    path: str
    title: str
    build: Callable[..., None]
    """Builds what is in its frame, for one viewer: the hub, then what its path has in braces."""
    in_menu: bool = True
    below: str | None = None
    """The path of the page of the menu that it belongs to, where it is not in the menu itself."""
    routes: Callable[[Hub], None] | None = None
    """Has what belongs to the page, files say, answered at other paths."""

    def register(self, hub: Hub, pages: Sequence[Page]) -> None:
        """Have it answered at its path."""
        if self.routes is not None:
            self.routes(hub)

        @ui.page(self.path, title=f"{self.title} - voice over Tor lab")
        def show(name: str = "") -> None:
            framed(hub, self, pages)
            with ui.element("div").classes("lab-frame"):
                self.build(hub, *((name,) if "{name}" in self.path else ()))


def framed(hub: Hub, here: Page, pages: Sequence[Page]) -> None:
    """The head of every page: the menu, the lab that is followed, light or dark."""
    ui.add_css(STYLE)
    dark = ui.dark_mode(None)
    with (
        ui.element("header").classes("lab-menu"),
        ui.row().classes("lab-frame items-center gap-2"),
    ):
        with ui.element("nav").props('aria-label="pages"').classes("row gap-1"):
            for page in pages:
                if page.in_menu:
                    link = ui.link(page.title, page.path)
                    if page is here:
                        link.props('aria-current="page"')
                    elif page.path == here.below:
                        link.props('aria-current="true"')
        with ui.row().classes("lab-now items-center justify-end no-wrap gap-2"):
            state = ui.label().classes("lab-quiet").props('role="status"')
            toggle = ui.toggle([name for name, _ in MODES], value="auto").props("dense no-caps")
            toggle.props('aria-label="light or dark"')
        toggle.on_value_change(lambda change: dark.set_value(dict(MODES)[change.value]))
    follow(hub, lambda: state.set_text(state_of(hub)))


def state_of(hub: Hub) -> str:
    """The lab that is followed and what goes on in it, in a line."""
    now = hub.now
    if hub.trouble:
        return hub.trouble
    if not now.is_up:
        return f"lab {now.lab} is not up" if now.lab else "looking for a lab"
    work = ""
    if now.call:
        work = f": a {now.call.method} call, {now.call.stage or 'beginning'}"
    elif now.run:
        work = f": run {now.run.run_id}"
    return f"lab {now.lab} ({now.topology}){work}"


def follow(hub: Hub, refresh: Callable[[], object], every_s: float = LOOK_S) -> None:
    """Call `refresh` now, and whenever the hub has news, as long as the viewer looks."""
    seen = -1

    def look() -> None:
        nonlocal seen
        if hub.version != seen:
            seen = hub.version
            refresh()

    look()
    ui.timer(every_s, look)
