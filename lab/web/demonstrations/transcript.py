"""What a demonstration has told so far, and what it asks: the same for every viewer of the page."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

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
from lab.wire.messages import Event, Order

Asked = ChoiceAsked | NumberAsked | NameAsked


@dataclass(frozen=True, slots=True)
class Answered:
    """A question that awaits no answer any more."""

    asked: ChoiceAsked | NumberAsked
    given: int | str | None
    """The choice counted from 0, or the number; None where nobody was asked."""


Told = Headline | Paragraph | TableShown | DrawingShown | Heard | Answered


@dataclass(frozen=True, slots=True)
class Awaited:
    """A question that waits for the first viewer who answers it."""

    number: int
    """Which of the demonstration's questions it is, from 1."""
    asked: Asked


@dataclass(frozen=True, slots=True)
class Ended:
    """The demonstration has ended."""

    status: int
    """Its exit status."""
    words: str
    """What it said of its end, see `lab.web.commands.Done.sentence`."""


@dataclass(frozen=True, slots=True)
class Screen:
    """All that there is to see at one moment."""

    told: tuple[Told, ...] = ()
    """It only ever grows."""
    awaited: Awaited | None = None
    waiting: Waiting | None = None
    record: RecordWritten | None = None
    ended: Ended | None = None

    @property
    def sentence(self) -> str:
        """How things stand."""
        if self.ended:
            if self.record is None:
                words = self.ended.words.removesuffix(".")
                return f"The demonstration has ended without a record: {words}."
            if self.record.lacking:
                return "The demonstration has ended, and did not show what it is meant to."
            return "The demonstration has ended."
        if self.awaited:
            return "The demonstration waits for an answer."
        if self.waiting:
            what, stage = self.waiting.what, self.waiting.stage
            return f"{what}: {stage} ..." if stage else f"{what} ..."
        return "One moment ..."


class Transcript:
    """Takes in what a demonstration tells and what viewers answer, on whatever threads."""

    def __init__(self) -> None:
        self._screen = Screen()
        self._asked = 0
        self._changing = threading.Lock()

    @property
    def screen(self) -> Screen:
        """All that there is to see; another object when anything has changed."""
        return self._screen

    def enter(self, event: Event) -> None:
        """Take in what has been told."""
        with self._changing:
            screen = self._screen
            match event:
                case ChoiceAsked(_, awaited=False):
                    self._screen = replace(screen, told=(*screen.told, Answered(event, None)))
                case ChoiceAsked() | NumberAsked() | NameAsked():
                    self._asked += 1
                    self._screen = replace(screen, awaited=Awaited(self._asked, event))
                case Waiting():
                    self._screen = replace(screen, waiting=event)
                case WaitOver():
                    self._screen = replace(screen, waiting=None)
                case RecordWritten():
                    self._screen = replace(screen, record=event)
                case Headline() | Paragraph() | TableShown() | DrawingShown() | Heard():
                    self._screen = replace(screen, told=(*screen.told, event))

    def answer(self, number: int, given: int | str) -> Order | None:
        """Take in a viewer's answer to that question; what to tell the demonstration.

        None where another viewer was first, or where it is no answer to that question.
        """
        with self._changing:
            told, awaited = self._screen.told, self._screen.awaited
            if awaited is None or awaited.number != number:
                return None
            order = order_of(awaited.asked, given)
            if order is not None:
                if not isinstance(awaited.asked, NameAsked):
                    told = (*told, Answered(awaited.asked, given))
                self._screen = replace(self._screen, told=told, awaited=None)
            return order

    def end(self, status: int, words: str) -> None:
        """Nothing more is told, or can be answered."""
        with self._changing:
            self._screen = replace(
                self._screen, awaited=None, waiting=None, ended=Ended(status, words)
            )


def order_of(asked: Asked, given: int | str) -> Order | None:
    """An answer as the demonstration hears it; None where it is none to that question."""
    match asked, given:
        case ChoiceAsked(question), int() if 0 <= given < len(question.choices):
            return Chosen(given)
        case NumberAsked(low=low, high=high), int() if low <= given <= high:
            return NumberGiven(given)
        case NameAsked(), str():
            return NameGiven(given)
    return None
