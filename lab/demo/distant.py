"""A person who reads a demonstration elsewhere: it is told, and they answer, in lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from lab.demo.demonstration import Question, Recording
from lab.demo.lines import (
    ChoiceAsked,
    Chosen,
    DrawingShown,
    Headline,
    Heard,
    NameAsked,
    NameGiven,
    NumberAsked,
    NumberGiven,
    Paragraph,
    RecordWritten,
    TableShown,
    Waiting,
    WaitOver,
)
from lab.demo.outcome import Outcome
from lab.errors import LabError
from lab.events import Began, Happening, Listener, Noted
from lab.report.pages import Drawing, Table, svg_text
from lab.wire.line import Line
from lab.wire.messages import Event, Order

OrderT = TypeVar("OrderT", bound=Order)


class Distant:
    """See `lab.demo.person.Person`.

    Where the reader has gone, what is told goes nowhere, so that a call under way is ended as it
    should be, and whatever was changed is put back; the next question is a LabError then.
    """

    def __init__(self, line: Line, *, attends: bool) -> None:
        """`line` speaks `lab.demo.lines.TELLING`."""
        self._line = line
        self._attends = attends

    @property
    def attends(self) -> bool:
        """Whether anybody is there to be asked."""
        return self._attends

    def name(self) -> str | None:
        """The name they give, for the record; None where they give none."""
        if not self._attends:
            return None
        given = self._ask(NameAsked(), NameGiven, lambda _: True)
        return given.name.strip() or None

    def headline(self, text: str) -> None:
        """Have them read where the demonstration has got to."""
        self._say(Headline(text))

    def tell(self, text: str) -> None:
        """Have them read a paragraph."""
        self._say(Paragraph(text))

    def show(self, table: Table) -> None:
        """Have them look at a table."""
        self._say(TableShown(table.title, table.columns, table.rows, table.names))

    def draw(self, drawing: Drawing) -> None:
        """Have them look at a drawing."""
        self._say(DrawingShown(drawing.caption, svg_text(drawing.figure)))

    def hear(self, recording: Recording) -> None:
        """Tell them where something is to be heard."""
        self._say(Heard(recording.caption, recording.file.absolute()))

    def choose(self, question: Question) -> int | None:
        """The choice they make; None where nobody attends."""
        asked = ChoiceAsked(question, self._attends)
        if not self._attends:
            self._say(asked)
            return None
        number = len(question.choices)
        return self._ask(asked, Chosen, lambda given: 0 <= given.choice < number).choice

    def number(self, text: str, proposed: int, low: int, high: int) -> int:
        """The number they give, `low` to `high`; what is proposed, where nobody attends."""
        if not self._attends:
            return proposed
        asked = NumberAsked(text, proposed, low, high)
        return self._ask(asked, NumberGiven, lambda given: low <= given.number <= high).number

    @contextmanager
    def busy(self, what: str) -> Iterator[Listener]:
        """Let them wait for `what` while the block runs; the listener is told how it goes."""

        def tell(happening: Happening) -> None:
            match happening:
                case Began(stage):
                    self._say(Waiting(what, stage))
                case Noted(text):
                    self._say(Paragraph(text))

        self._say(Waiting(what))
        try:
            yield tell
        finally:
            self._say(WaitOver())

    def hand_over(self, outcome: Outcome, record: Path) -> None:
        """Tell them that the record of what came of it has been written."""
        self._say(RecordWritten(record.absolute(), outcome.lacking, outcome.to_dict()))

    def _ask(self, asked: Event, kind: type[OrderT], fits: Callable[[OrderT], bool]) -> OrderT:
        """What they answer; asked again where the answer is none to this question."""
        while True:
            self._say(asked)
            given = self._line.hear()
            if given is None:
                raise LabError("whoever was shown this demonstration has gone")
            if isinstance(given, kind) and fits(given):
                return given

    def _say(self, event: Event) -> None:
        try:
            self._line.say(event)
        except BrokenPipeError:
            # Nobody reads any more; `_ask` ends it, at a moment at which that is safe.
            return
