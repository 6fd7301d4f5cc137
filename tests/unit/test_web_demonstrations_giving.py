"""A demonstration that is another process: answered, given up, ended by itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from demo_person import QUESTION

from lab.demo.lines import ChoiceAsked, Paragraph
from lab.errors import LabError
from lab.web.demonstrations.giving import Demonstrating, Giving
from lab.web.demonstrations.transcript import Answered

STAND_IN = """
import sys, time
from lab.demo.distant import Distant
from lab.demo.lines import TELLING
from lab.interruption import Interrupted, heeding_signals
from lab.wire.line import Line

person = Distant(Line(TELLING), attends=True)
with heeding_signals():
    try:
        if "fails" in sys.argv:
            sys.exit("lab: no lab is up\\n`lab up` brings one up.")
        person.tell(f"You said {person.choose(QUESTION)}.")
        if "waits" in sys.argv:
            with person.busy("a call"):
                time.sleep(60)
    except Interrupted:
        person.tell("Links are as they were.")
        sys.exit("lab: interrupted")
print("Wrote /r.html", file=sys.stderr)
"""


@pytest.fixture
def command(tmp_path: Path) -> tuple[str, ...]:
    script = tmp_path / "stand_in.py"
    question = f"from lab.demo.demonstration import Question\nQUESTION = {QUESTION!r}\n"
    script.write_text(f"{question}{STAND_IN}")
    return (sys.executable, str(script))


@pytest.fixture
def demonstrating(command: tuple[str, ...]) -> Iterator[Demonstrating]:
    one = Demonstrating(command)
    yield one
    one.end()


def wait_for(condition: Callable[[], object], deadline_s: float = 30.0) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def asked(giving: Giving) -> None:
    wait_for(lambda: giving.transcript.screen.awaited)


def test_it_is_answered_once_and_ends_by_itself(demonstrating: Demonstrating) -> None:
    giving = demonstrating.start("ears", ("--yes",))
    asked(giving)
    assert giving.answer(1, 7) is False
    assert giving.answer(1, 2) is True
    assert giving.answer(1, 0) is False
    assert giving.wait(30) == 0
    assert not giving.runs
    screen = giving.transcript.screen
    assert screen.told == (
        Answered(ChoiceAsked(QUESTION, awaited=True), 2),
        Paragraph("You said 2."),
    )
    assert screen.ended
    assert screen.ended.words == "Wrote /r.html"
    assert giving.remarks == "Wrote /r.html\n"


@pytest.mark.parametrize("answered", [True, False])
def test_given_up_it_ends_as_ctrl_c_ends_it(demonstrating: Demonstrating, answered: bool) -> None:
    giving = demonstrating.start("ears", ("waits",))
    asked(giving)
    if answered:
        giving.answer(1, 0)
        wait_for(lambda: giving.transcript.screen.waiting)
    giving.give_up()
    assert giving.wait(30) == 1
    assert giving.given_up
    screen = giving.transcript.screen
    assert screen.told[-1] == Paragraph("Links are as they were.")
    assert screen.sentence == "The demonstration has ended without a record: interrupted."
    assert screen.awaited is None


def test_one_is_given_at_a_time(demonstrating: Demonstrating) -> None:
    first = demonstrating.start("ears", ())
    with pytest.raises(LabError, match="the demonstration ears is being given"):
        demonstrating.start("eyes", ())
    asked(first)
    first.answer(1, 0)
    first.wait(30)
    second = demonstrating.start("eyes", ())
    assert (first.number, second.number) == (1, 2)
    assert demonstrating.giving is second


def test_what_it_could_not_do_is_told(demonstrating: Demonstrating) -> None:
    giving = demonstrating.start("ears", ("fails",))
    assert giving.wait(30) == 1
    assert giving.transcript.screen.sentence.endswith(
        "without a record: no lab is up `lab up` brings one up."
    )


def test_the_end_of_the_page_ends_it(demonstrating: Demonstrating) -> None:
    giving = demonstrating.start("ears", ("waits",))
    asked(giving)
    demonstrating.end()
    assert not giving.runs
    demonstrating.end()


def test_what_does_not_end_in_time_is_said_with_its_process(demonstrating: Demonstrating) -> None:
    giving = demonstrating.start("ears", ())
    with pytest.raises(LabError, match=r"ears had not ended after 0 s"):
        giving.wait(0)
