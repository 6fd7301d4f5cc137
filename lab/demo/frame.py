"""The frame of every demonstration: question, prediction, what happens, why, closing question."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from docker import DockerClient

from lab.calls.measuring import measuring
from lab.demo.demonstration import Closing, Demonstration, NotShownError, Shown
from lab.demo.outcome import Answered, Outcome, lacking_of
from lab.demo.person import Person
from lab.demo.stage import Stage
from lab.lifecycle.ready import ReadyLab
from lab.measure.record import CallRecord
from lab.store.database import Store


def predict(demonstration: Demonstration, person: Person) -> int | None:
    """Have the demonstration's question read and a prediction made, before a lab is needed."""
    person.headline(demonstration.title)
    person.tell(demonstration.scene)
    return person.choose(demonstration.prediction)


def demonstrate(
    client: DockerClient,
    lab: ReadyLab,
    demonstration: Demonstration,
    person: Person,
    store: Store,
    prediction: int | None,
    student: str | None = None,
    seed: int = 0,
) -> Outcome:
    """Give a demonstration in a lab that nobody else calls in, to who made a `prediction`.

    What could not be shown is told, and stands in the outcome. LabError where the lab itself
    fails; links are as they were before, also then and on Ctrl-C.
    """
    started_at, began = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    calls: list[CallRecord] = []
    shown: Shown | None = None
    closing: Answered | None = None
    person.headline("What happens")
    try:
        with measuring() as measurer:
            shown = demonstration.show(Stage(client, lab, person, store, measurer, seed, calls))
        lacking = lacking_of(demonstration, shown)
    except NotShownError as error:
        lacking = error.message
    predicted = Answered(demonstration.prediction, prediction, shown.came if shown else None)
    if shown:
        _tell(shown, person)
        _tell_prediction(predicted, person)
    if lacking:
        person.headline("Not as it is meant to be")
        person.tell(f"{_sentence(lacking)} This is told in the record, too.")
    if shown:
        closing = _close(shown.closing, person)
    return Outcome(
        demonstration=demonstration,
        student=student,
        attended=person.attends,
        started_at=started_at,
        seconds=time.monotonic() - began,
        lab=lab.running.name,
        topology=lab.topology.name,
        seed=seed,
        prediction=predicted,
        shown=shown,
        closing=closing,
        lacking=lacking,
        calls=tuple(calls),
    )


def _tell(shown: Shown, person: Person) -> None:
    for table in shown.tables:
        person.show(table)
    for drawing in shown.drawings:
        person.draw(drawing)
    for finding in shown.findings:
        person.tell(finding)
    for recording in shown.recordings:
        person.hear(recording)
    person.headline("Why")
    for reason in shown.why:
        person.tell(reason)


def _tell_prediction(predicted: Answered, person: Person) -> None:
    if predicted.measured is None:
        return
    came = predicted.question.answer(predicted.measured)
    if predicted.given is None:
        person.tell(f"What came is {came}")
    elif predicted.correct:
        person.tell(f"You predicted what came: {came}")
    else:
        person.tell(
            f"You predicted {predicted.question.answer(predicted.given)} What came is {came}"
        )


def _close(closing: Closing, person: Person) -> Answered:
    """The closing question and its answer: the lesson's own, where nobody is asked."""
    person.headline("To close")
    given = person.choose(closing.question)
    answered = Answered(closing.question, closing.lesson if given is None else given, closing.right)
    if closing.right is None:
        person.tell("The figures of this run do not answer that.")
    else:
        verdict = "Right" if answered.correct else "Not by this run's figures"
        person.tell(f"{verdict}: {closing.question.answer(closing.right)}")
    return answered


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
