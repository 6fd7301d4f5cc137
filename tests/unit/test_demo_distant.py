"""A demonstration told in lines: what a reader sees, what they answer, and where they leave."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from demo_person import QUESTION, demonstration, shown
from demo_reader import reading
from matplotlib.figure import Figure

from lab.demo import frame
from lab.demo.demonstration import Recording
from lab.demo.frame import demonstrate, predict
from lab.demo.lines import (
    ChoiceAsked,
    DrawingShown,
    Headline,
    Heard,
    NumberAsked,
    Paragraph,
    TableShown,
)
from lab.demo.outcome import Outcome
from lab.errors import LabError
from lab.events import Began, Ended, Noted
from lab.report.pages import Drawing
from lab.web.demonstrations.transcript import Answered

LAB: Any = SimpleNamespace(
    running=SimpleNamespace(name="classroom"), topology=SimpleNamespace(name="paper")
)
NOTHING: Any = None


def given(person: Any, **changes: Any) -> Outcome:
    one = demonstration(shown(**changes))
    prediction = predict(one, person)
    return demonstrate(NOTHING, LAB, one, person, NOTHING, prediction)


@pytest.fixture(autouse=True)
def no_measurer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "measuring", nullcontext)


def test_a_reader_sees_all_of_it_and_their_answers_count(tmp_path: Path) -> None:
    figure = Figure()
    figure.subplots().plot([1, 2])
    heard = tmp_path / "heard.wav"
    with reading(["Ada <b>", 2, 0]) as reader:
        name = reader.person.name()
        outcome = given(
            reader.person,
            drawings=(Drawing("ears", "Two <ears>.", figure),),
            recordings=(Recording("What was heard", heard),),
        )
        reader.person.hand_over(outcome, tmp_path / "record.html")
    assert name == "Ada <b>"
    assert (outcome.prediction.given, outcome.attended) == (2, True)
    assert outcome.closing
    assert outcome.closing.correct is True
    screen = reader.transcript.screen
    asked = ChoiceAsked(QUESTION, awaited=True)
    assert screen.told[:4] == (
        Headline("Which ear hears?"),
        Paragraph("Somebody listens."),
        Answered(asked, 2),
        Headline("What happens"),
    )
    assert screen.told[4] == TableShown("Ears", ("ear", "heard"), (("left <i>", "nothing"),), 1)
    drawing = screen.told[5]
    assert isinstance(drawing, DrawingShown)
    assert drawing.svg.startswith("<svg")
    assert Heard("What was heard", heard) in screen.told
    assert screen.told[-1] == Paragraph("Right: a: Two.")
    assert screen.record
    assert screen.record.file == tmp_path / "record.html"
    assert screen.record.lacking is None
    assert screen.record.outcome["closing"]["given"] == "a"


def test_where_nobody_attends_questions_are_read_and_not_asked() -> None:
    with reading([], attends=False) as reader:
        assert reader.person.name() is None
        assert reader.person.choose(QUESTION) is None
        assert reader.person.number("How fast?", 595, 100, 1000) == 595
    assert reader.transcript.screen.told == (Answered(ChoiceAsked(QUESTION, awaited=False), None),)
    assert reader.transcript.screen.awaited is None


def test_a_number_is_proposed_within_its_ends() -> None:
    with reading([700]) as reader:
        assert reader.person.number("How fast?", 595, 100, 1000) == 700
    asked = NumberAsked("How fast?", 595, 100, 1000)
    assert reader.transcript.screen.told == (Answered(asked, 700),)


def test_what_is_waited_for_is_told_with_its_stage() -> None:
    sentences = []
    with reading([0]) as reader, reader.person.busy("a call") as tell:
        tell(Began("opening the path"))
        tell(Ended("opening the path", 1.0))
        tell(Noted("the link was put back"))
        # An answer says that all before it has been read.
        reader.person.choose(QUESTION)
        sentences.append(reader.transcript.screen.sentence)
    assert sentences == ["a call: opening the path ..."]
    assert Paragraph("the link was put back") in reader.transcript.screen.told
    assert reader.transcript.screen.waiting is None


def test_when_the_reader_has_gone_the_next_question_ends_it_and_nothing_else_does() -> None:
    with reading([]) as reader:
        with pytest.raises(LabError, match="has gone"):
            reader.person.choose(QUESTION)
        with reader.person.busy("taking the lab down") as tell:
            tell(Began("removing nodes"))
        reader.person.tell("Nobody reads this.")
        with pytest.raises(LabError, match="has gone"):
            reader.person.number("How fast?", 595, 100, 1000)
