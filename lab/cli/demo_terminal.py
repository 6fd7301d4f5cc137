"""A person at a terminal, who reads a demonstration and answers it; or nobody, with `--yes`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.text import Text

from lab.cli.output import doing, err, styled
from lab.cli.progress import saying
from lab.demo.demonstration import Question, Recording
from lab.events import Listener
from lab.report.pages import Drawing, Table, rich_table

WIDEST = 80
"""Columns: longer lines are hard to read, whatever the terminal has."""


class Terminal:
    """See `lab.demo.person.Person`."""

    def __init__(self, console: Console, *, attends: bool) -> None:
        """`console` is where it is read; what is asked is asked there, too."""
        self._console = console
        self._attends = attends

    @property
    def attends(self) -> bool:
        """Whether anybody is there to be asked."""
        return self._attends

    def name(self) -> str | None:
        """The name they give, for the record; None where they give none."""
        if not self._attends:
            return None
        text = "Your name, for the record (Enter for none)"
        given: str = click.prompt(text, default="", show_default=False, err=self._on_stderr)
        return given.strip() or None

    def headline(self, text: str) -> None:
        """Have them read where the demonstration has got to."""
        self._print(Text())
        self._print(styled(text, "bold"))

    def tell(self, text: str) -> None:
        """Have them read a paragraph."""
        self._print(Text(text))

    def show(self, table: Table) -> None:
        """Have them look at a table."""
        self._console.print(rich_table(table), width=self._width)

    def draw(self, drawing: Drawing) -> None:
        """Nothing: a terminal shows no drawings, and the record has them."""

    def hear(self, recording: Recording) -> None:
        """Tell them where something is to be heard."""
        self._print(Text(f"{recording.caption}:"))
        self._console.print(Text(f"  {recording.file}"), soft_wrap=True)

    def choose(self, question: Question) -> int | None:
        """The choice they make; None where nobody attends."""
        self._print(Text(question.text))
        for number in range(len(question.choices)):
            self._print(Text(f"  {question.answer(number)}"))
        if not self._attends:
            return None
        letter: str = click.prompt(
            "Your answer",
            type=click.Choice(list(question.letters), case_sensitive=False),
            err=self._on_stderr,
        )
        return question.letters.index(letter)

    def number(self, text: str, proposed: int, low: int, high: int) -> int:
        """The number they give, `low` to `high`; what is proposed, where nobody attends."""
        if not self._attends:
            return proposed
        given: int = click.prompt(
            text, default=proposed, type=click.IntRange(low, high), err=self._on_stderr
        )
        return given

    @contextmanager
    def busy(self, what: str) -> Iterator[Listener]:
        """Let them wait for `what` while the block runs; the listener is told how it goes."""
        with doing(f"{what} ...") as say:
            yield saying(say, f"{what}: ")

    @property
    def _on_stderr(self) -> bool:
        return self._console is err

    @property
    def _width(self) -> int:
        return min(self._console.width, WIDEST)

    def _print(self, text: Text) -> None:
        self._console.print(text, width=self._width)
