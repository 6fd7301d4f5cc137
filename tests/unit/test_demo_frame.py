"""The frame of a demonstration: what is asked when, what comes of it, and the record of it."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import soundfile
from demo_person import QUESTION, Script, demonstration, record, shown
from matplotlib.figure import Figure
from talker import speak

from lab.demo import frame
from lab.demo.demonstration import NotShownError, Recording, Shown
from lab.demo.frame import demonstrate, predict
from lab.demo.outcome import Outcome
from lab.demo.record import MOST_AUDIO_BYTES, default_file, to_html, write_record
from lab.errors import LabError
from lab.report.pages import Drawing

LAB: Any = SimpleNamespace(
    running=SimpleNamespace(name="classroom"), topology=SimpleNamespace(name="paper")
)
NOTHING: Any = None


@pytest.fixture(autouse=True)
def no_measurer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "measuring", nullcontext)


def given(what: Shown | Exception, person: Script, student: str | None = None) -> Outcome:
    one = demonstration(what)
    prediction = predict(one, person)
    return demonstrate(NOTHING, LAB, one, person, NOTHING, prediction, student, seed=3)


def test_the_prediction_is_made_before_anything_happens_and_the_close_comes_last() -> None:
    person = Script(0, 0)
    outcome = given(shown(), person)
    order = [person.read.index(text) for text in (
        "Which ear hears?", "Somebody listens.", "Which ear?", "What happens", "Ears",
        "It was the right ear.", "Why", "The left one is deaf.", "How many ears?",
    )]  # fmt: skip
    assert order == sorted(order)
    assert "You predicted a: The left. What came is b: The right." in person.read
    assert person.read[-1] == "Right: a: Two."
    assert (outcome.prediction.given, outcome.prediction.measured) == (0, 1)
    assert outcome.prediction.correct is False
    assert outcome.closing
    assert outcome.closing.correct is True
    assert (outcome.lacking, outcome.attended, outcome.seed) == (None, True, 3)
    assert [call.call_id for call in outcome.calls] == ["20260101T000000-abc"]


def test_a_wrong_answer_at_the_end_is_told_with_the_right_one() -> None:
    person = Script(1, 1)
    outcome = given(shown(), person)
    assert outcome.closing
    assert outcome.closing.correct is False
    assert person.read[-1] == "Not by this run's figures: a: Two."
    assert outcome.lacking is None, "the student erred, not the run"


def test_where_nobody_is_asked_the_lessons_answer_is_checked() -> None:
    outcome = given(shown(), Script())
    assert outcome.attended is False
    assert (outcome.prediction.given, outcome.prediction.correct) == (None, None)
    assert outcome.closing
    assert (outcome.closing.given, outcome.closing.correct) == (0, True)


@pytest.mark.parametrize(
    ("what", "lacking"),
    [
        (shown(came=0), "was to show 'b: The right.', and it showed 'a: The left.'"),
        (shown(came=None), "decide none of the predictions"),
        (shown(right=1), "the lesson says 'a: Two.', and this run says 'b: One.'"),
        (shown(right=None), "this run says 'nothing'"),
        (NotShownError("the call failed: no ear"), "the call failed: no ear"),
    ],
)
def test_what_is_not_as_it_should_be_is_said_plainly(what: Shown | Exception, lacking: str) -> None:
    person = Script()
    outcome = given(what, person)
    assert outcome.lacking
    assert lacking in outcome.lacking
    assert "Not as it is meant to be" in person.read
    assert outcome.to_dict()["as_expected"] is False
    page = to_html(outcome)
    assert "Not as it is meant to be" in page
    assert "20260101T000000-abc, sip: valid" in page


def test_without_anything_shown_nothing_is_asked_at_the_end() -> None:
    person = Script(2)
    outcome = given(NotShownError("the call failed: no ear"), person)
    assert outcome.shown is None
    assert outcome.closing is None
    assert "How many ears?" not in person.read
    assert outcome.to_dict()["closing"] is None


def test_an_error_of_the_lab_is_no_outcome() -> None:
    with pytest.raises(LabError, match="Docker is gone"):
        given(LabError("Docker is gone"), Script())


def test_the_record_is_escaped_and_needs_nothing_else(tmp_path: Path) -> None:
    heard = tmp_path / "heard.wav"
    soundfile.write(heard, speak(1, 2), 8_000)
    figure = Figure()
    figure.subplots().plot([1, 2])
    what = shown(
        drawings=(Drawing("ears", "Two <ears>.", figure),),
        recordings=(Recording("What was heard", heard),),
    )
    outcome = given(what, Script(2, 0), "<script>alert(1)</script>")
    page = write_record(outcome, tmp_path / "deep" / "record.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    for text in ("Neither &lt;b&gt;.", "left &lt;i&gt;", "Two &lt;ears&gt;."):
        assert text in page
    assert "Predicted: <strong>c</strong>" in page
    assert "Answered: <strong>a</strong>" in page
    assert "<strong>Right.</strong>" in page
    assert "<svg" in page
    loaded = re.findall(r"""(?:src|href)=["']([^"']{0,20})""", page)
    assert loaded
    assert all(each.startswith(("data:audio/wav", "#")) for each in loaded)


def test_a_recording_that_is_gone_or_too_large_is_named(tmp_path: Path) -> None:
    large = tmp_path / "large.wav"
    large.write_bytes(b"\0" * (MOST_AUDIO_BYTES + 1))
    recordings = (Recording("gone", tmp_path / "gone.wav"), Recording("large", large))
    page = to_html(given(shown(recordings=recordings), Script()))
    assert "<audio" not in page
    assert page.count("could not be taken into this page") == 2
    assert "gone.wav" in page


def test_a_record_that_cannot_be_written_where_it_was_to_go_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    (tmp_path / "file").touch()
    outcome = given(shown(), Script())
    with pytest.raises(LabError, match="cannot be written: File exists") as raised:
        write_record(outcome, tmp_path / "file" / "record.html")
    assert raised.value.hint == f"The record is in {default_file(outcome)}."
    assert default_file(outcome).read_text() == to_html(outcome)


def test_the_record_goes_among_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    outcome = replace(given(shown(), Script()), started_at="2026-11-28T04:30:09+00:00")
    expected = tmp_path / "results" / "demos" / "ears-20261128T043009-classroom.html"
    assert default_file(outcome) == expected


def test_calls_that_are_not_valid_are_told_with_their_reasons() -> None:
    outcome = replace(
        given(shown(), Script()),
        calls=(
            record(valid=False, invalid_reasons=["the host's CPU 99 %"]),
            record(status="failed", valid=False, reason="no ear"),
        ),
    )
    page = to_html(outcome)
    assert "invalid: the host&#39;s CPU 99 %" in page
    assert "failed: no ear" in page
    assert [call["valid"] for call in outcome.to_dict()["calls"]] == [False, False]


def test_a_choice_has_its_letter() -> None:
    assert QUESTION.letters == "abc"
    assert QUESTION.answer(1) == "b: The right."
