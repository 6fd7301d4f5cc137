"""Somebody who watches a demonstration in a test, and gives the answers that they were given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.calls.needs import ENDS
from lab.demo.demonstration import Closing, Demonstration, Question, Recording, Shown
from lab.demo.stage import Stage
from lab.events import Listener, silent
from lab.measure.record import CallRecord
from lab.report.pages import Drawing, Table


class Script:
    """A `Person` who answers as written, or, without answers, nobody."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.attends = bool(answers)
        self.read: list[str] = []

    def headline(self, text: str) -> None:
        self.read.append(text)

    def tell(self, text: str) -> None:
        self.read.append(text)

    def show(self, table: Table) -> None:
        self.read.append(table.title)

    def draw(self, drawing: Drawing) -> None:
        self.read.append(drawing.caption)

    def hear(self, recording: Recording) -> None:
        self.read.append(recording.caption)

    def choose(self, question: Question) -> int | None:
        self.read.append(question.text)
        return self.answers.pop(0) if self.attends else None

    def number(self, text: str, proposed: int, low: int, high: int) -> int:
        self.read.append(text)
        return self.answers.pop(0) if self.attends else proposed

    @contextmanager
    def busy(self, what: str) -> Iterator[Listener]:
        self.read.append(f"({what})")
        yield silent


QUESTION = Question("Which ear?", ("The left.", "The right.", "Neither <b>."))


def shown(came: int | None = 1, right: int | None = 0, **changes: Any) -> Shown:
    """What a demonstration about ears comes to."""
    closing = Closing(Question("How many ears?", ("Two.", "One.")), right, lesson=0)
    table = Table("Ears", ("ear", "heard"), (("left <i>", "nothing"),), 1)
    told: dict[str, Any] = {
        "findings": ("It was the right ear.",),
        "why": ("The left one is deaf.",),
        "tables": (table,),
    }
    return Shown(came, closing=closing, **{**told, **changes})


def demonstration(what: Shown | Exception) -> Demonstration:
    """One that makes a call of its own and comes to that."""

    def show(stage: Stage) -> Shown:
        stage.calls.append(record())
        if isinstance(what, Exception):
            raise what
        return what

    return Demonstration(
        name="ears",
        title="Which ear hears?",
        position=1,
        topology="paper",
        needs=(ENDS,),
        scene="Somebody listens.",
        prediction=QUESTION,
        expected=1,
        show=show,
    )


def record(**values: Any) -> CallRecord:
    """The record of a call of which nothing else is known."""
    made = CallRecord(
        "20260101T000000-abc", "2026-01-01", "sip", "PCMU", "paper", "paper", "kamailio", 0
    )
    made.status, made.valid = "ok", True
    for name, value in values.items():
        assert hasattr(made, name), name
        setattr(made, name, value)
    return made
