"""What all viewers of a demonstration see, and whose answer counts."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier, Thread

import pytest
from demo_person import QUESTION

from lab.demo.lines import (
    ChoiceAsked,
    Chosen,
    Headline,
    NameAsked,
    NameGiven,
    NumberAsked,
    NumberGiven,
    RecordWritten,
    Waiting,
    WaitOver,
)
from lab.web.demonstrations.transcript import Answered, Asked, Transcript, order_of
from lab.wire.messages import Order

CHOICE = ChoiceAsked(QUESTION, awaited=True)
NUMBER = NumberAsked("How fast?", 595, 100, 1000)
RECORD = RecordWritten(Path("/r.html"), None, {})


@pytest.mark.parametrize(
    ("asked", "given", "order"),
    [
        (CHOICE, 2, Chosen(2)),
        (CHOICE, 3, None),
        (CHOICE, -1, None),
        (CHOICE, "a", None),
        (NUMBER, 100, NumberGiven(100)),
        (NUMBER, 1001, None),
        (NUMBER, 99, None),
        (NameAsked(), "", NameGiven("")),
        (NameAsked(), 3, None),
    ],
)
def test_only_an_answer_to_the_question_is_one(
    asked: Asked, given: int | str, order: Order | None
) -> None:
    assert order_of(asked, given) == order


def test_one_of_many_viewers_answers() -> None:
    transcript = Transcript()
    transcript.enter(CHOICE)
    awaited = transcript.screen.awaited
    assert awaited
    together, orders = Barrier(8), []

    def answer(choice: int) -> None:
        together.wait()
        orders.append(transcript.answer(awaited.number, choice % 3))

    viewers = [Thread(target=answer, args=(viewer,)) for viewer in range(8)]
    for viewer in viewers:
        viewer.start()
    for viewer in viewers:
        viewer.join()
    (counted,) = [order for order in orders if order is not None]
    assert isinstance(counted, Chosen)
    assert transcript.screen.told == (Answered(CHOICE, counted.choice),)
    assert transcript.screen.awaited is None


def test_an_answer_to_an_earlier_question_is_none_to_this_one() -> None:
    transcript = Transcript()
    transcript.enter(NUMBER)
    assert transcript.answer(1, 200) == NumberGiven(200)
    transcript.enter(NUMBER)
    assert transcript.answer(1, 300) is None
    assert transcript.answer(2, 5000) is None, "no number that can be given"
    assert transcript.screen.awaited, "it is still asked"
    assert transcript.answer(2, 400) == NumberGiven(400)


def test_a_name_is_not_told_to_the_others() -> None:
    transcript = Transcript()
    transcript.enter(NameAsked())
    assert transcript.answer(1, "Ada") == NameGiven("Ada")
    assert transcript.screen.told == ()


def test_what_a_viewer_has_seen_stays() -> None:
    transcript = Transcript()
    before = transcript.screen
    transcript.enter(Headline("What happens"))
    assert before.told == ()
    assert transcript.screen.told == (Headline("What happens"),)


def test_how_things_stand_is_a_sentence() -> None:
    transcript, sentences = Transcript(), []
    for event in (
        Waiting("a call"), Waiting("a call", "dialling"), WaitOver(), CHOICE,
    ):  # fmt: skip
        transcript.enter(event)
        sentences.append(transcript.screen.sentence)
    assert sentences == [
        "a call ...",
        "a call: dialling ...",
        "One moment ...",
        "The demonstration waits for an answer.",
    ]


@pytest.mark.parametrize(
    ("record", "status", "words", "sentence"),
    [
        (RECORD, 0, "Wrote /r.html", "The demonstration has ended."),
        (
            RecordWritten(Path("/r.html"), "no ear", {}),
            1,
            "Wrote /r.html",
            "The demonstration has ended, and did not show what it is meant to.",
        ),
        (None, 1, "no lab is up", "The demonstration has ended without a record: no lab is up."),
    ],
)
def test_the_end_is_told_as_it_is(
    record: RecordWritten | None, status: int, words: str, sentence: str
) -> None:
    transcript = Transcript()
    transcript.enter(CHOICE)
    if record:
        transcript.enter(record)
    transcript.end(status, words)
    assert transcript.screen.sentence == sentence
    assert transcript.answer(1, 0) is None, "nobody hears it any more"
