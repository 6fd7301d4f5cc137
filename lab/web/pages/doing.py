"""A `lab` command that a control of the page starts, what it says, and giving it up."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import ui

from lab.web.commands import Command, Done
from lab.web.marks import as_code

Said = Callable[[Done], None]


class Doing:
    """One command at a time, with a line that says what it does and how it ended."""

    def __init__(self) -> None:
        with ui.row().classes("items-center gap-2 w-full no-wrap") as self.row:
            self._said = ui.html("", sanitize=False).props('role="status"').classes("lab-said")
            self._give_up = ui.button("Give up", on_click=self._interrupt)
            self._give_up.props("flat dense no-caps").set_visibility(False)
        self._command: Command | None = None

    async def run(self, *words: str, said: Said | None = None) -> None:
        """Run `lab` with `words`; `said` is told of an end that is a success."""
        if self._command is not None:
            ui.notify("Another command of yours is still under way.", type="warning")
            return
        command = self._command = Command(*words)
        typed = f"lab {' '.join(words)}"
        self._say(f"{typed} ...")
        self._give_up.set_visibility(True)
        try:
            done = await command.run()
        finally:
            self._command = None
        if self.row.is_deleted:
            return
        self._give_up.set_visibility(False)
        if done.status:
            self._say(done.sentence, "lab-bad")
            with self.row:
                ui.notify(done.sentence, type="negative", multi_line=True, close_button="Close")
            return
        self._say(_end(typed, done), "lab-good")
        if said is not None:
            said(done)

    def _interrupt(self) -> None:
        if self._command is not None:
            self._command.interrupt()

    def _say(self, text: str, look: str = "lab-quiet") -> None:
        self._said.set_content(as_code(text))
        self._said.classes(replace=f"lab-said {look}")


def _end(typed: str, done: Done) -> str:
    """What it said of its end; the command itself where it has printed values, not words."""
    words = done.out.strip().splitlines()
    is_words = len(words) == 1 and not words[0].startswith(("{", "["))
    return words[0] if is_words else f"done: {typed}"
