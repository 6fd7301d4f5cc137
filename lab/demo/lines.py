"""What a demonstration says to a page, which is another process, and what the page answers.

Every message is one line, as `lab.wire.messages` has it: a demonstration tells on standard output,
and hears on standard input.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.demo.demonstration import Question
from lab.wire.messages import Dialogue, Event, Order


@dataclass(frozen=True, slots=True)
class Headline(Event):
    """Where the demonstration has got to."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph(Event):
    """Something to read."""

    text: str


@dataclass(frozen=True, slots=True)
class TableShown(Event):
    """A table, see `lab.report.pages.Table`."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int
    """How many columns, from the left, are names rather than figures."""


@dataclass(frozen=True, slots=True)
class DrawingShown(Event):
    """A drawing."""

    caption: str
    svg: str
    """An SVG element."""


@dataclass(frozen=True, slots=True)
class Heard(Event):
    """Something to listen to."""

    caption: str
    file: Path
    """A WAV file."""


@dataclass(frozen=True, slots=True)
class ChoiceAsked(Event):
    """A question with its choices; answered with `Chosen`."""

    question: Question
    awaited: bool
    """Whether an answer is; where not, nobody attends."""


@dataclass(frozen=True, slots=True)
class NumberAsked(Event):
    """A question for a number; answered with `NumberGiven`."""

    text: str
    proposed: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class NameAsked(Event):
    """Who hands the record in is asked; answered with `NameGiven`."""


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """There is something to wait for."""

    what: str
    stage: str = ""
    """The one that began last; empty before the first."""


@dataclass(frozen=True, slots=True)
class WaitOver(Event):
    """What was waited for is done."""


@dataclass(frozen=True, slots=True)
class RecordWritten(Event):
    """The demonstration has been given to its end."""

    file: Path
    lacking: str | None
    """Why it did not show what it is meant to; None where it did."""
    outcome: Any
    """See `lab.demo.outcome.Outcome.to_dict`."""


@dataclass(frozen=True, slots=True)
class Chosen(Order):
    """A choice, counted from 0."""

    choice: int


@dataclass(frozen=True, slots=True)
class NumberGiven(Order):
    """A number."""

    number: int


@dataclass(frozen=True, slots=True)
class NameGiven(Order):
    """A name; empty where none is given."""

    name: str


TELLING = Dialogue(
    "lab.cli.demo",
    orders=(Chosen, NumberGiven, NameGiven),
    events=(
        Headline,
        Paragraph,
        TableShown,
        DrawingShown,
        Heard,
        ChoiceAsked,
        NumberAsked,
        NameAsked,
        Waiting,
        WaitOver,
        RecordWritten,
    ),
)
