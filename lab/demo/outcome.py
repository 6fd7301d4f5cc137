"""What came of one demonstration: what the record tells, and `lab demo --json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab import __version__
from lab.demo.demonstration import Demonstration, Question, Shown
from lab.measure.record import CallRecord


@dataclass(frozen=True, slots=True)
class Answered:
    """A question, what was answered, and what this run's figures say."""

    question: Question
    given: int | None
    """None where nobody was asked."""
    measured: int | None
    """None where the run decides nothing."""

    @property
    def correct(self) -> bool | None:
        """Whether both are the same; None where either is missing."""
        if self.given is None or self.measured is None:
            return None
        return self.given == self.measured

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "question": self.question.text,
            "choices": list(self.question.choices),
            "given": self._letter(self.given),
            "measured": self._letter(self.measured),
            "correct": self.correct,
        }

    def _letter(self, choice: int | None) -> str | None:
        return None if choice is None else self.question.letters[choice]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One demonstration from the question to the answer."""

    demonstration: Demonstration
    student: str | None
    attended: bool
    """Whether anybody was asked; where not, the lesson's own answer stands at the end."""
    started_at: str
    """UTC, ISO 8601."""
    seconds: float
    """From the prediction to the closing answer."""
    lab: str
    topology: str
    seed: int
    prediction: Answered
    shown: Shown | None
    """None where nothing could be shown."""
    closing: Answered | None
    """None where nothing could be shown."""
    lacking: str | None
    """Why the run did not show what it is meant to; None where it did."""
    calls: Sequence[CallRecord]
    version: str = __version__
    """Of the lab's program."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        shown = self.shown
        return {
            "demonstration": self.demonstration.name,
            "title": self.demonstration.title,
            "student": self.student,
            "attended": self.attended,
            "started_at": self.started_at,
            "seconds": round(self.seconds, 1),
            "lab": self.lab,
            "topology": self.topology,
            "seed": self.seed,
            "version": self.version,
            "prediction": self.prediction.to_dict(),
            "as_expected": self.lacking is None,
            "lacking": self.lacking,
            "findings": list(shown.findings) if shown else [],
            "why": list(shown.why) if shown else [],
            "tables": [
                {"title": table.title, "columns": table.columns, "rows": table.rows}
                for table in (shown.tables if shown else ())
            ],
            "closing": self.closing and self.closing.to_dict(),
            "calls": [
                {
                    "call_id": call.call_id,
                    "method": call.method,
                    "status": call.status,
                    "reason": call.reason,
                    "valid": call.valid,
                    "invalid_reasons": call.invalid_reasons,
                    "artefacts": call.artefacts,
                }
                for call in self.calls
            ],
        }


def lacking_of(demonstration: Demonstration, shown: Shown) -> str | None:
    """Why a run did not show what it is meant to; None where it did."""
    question, expected, came = demonstration.prediction, demonstration.expected, shown.came
    if came is None:
        return "the calls of this run decide none of the predictions"
    if came != expected:
        return (
            f"this run was to show {question.answer(expected)!r}, and it showed "
            f"{question.answer(came)!r}"
        )
    closing = shown.closing
    if closing.right != closing.lesson:
        measured = "nothing" if closing.right is None else closing.question.answer(closing.right)
        return (
            f"to the closing question the lesson says {closing.question.answer(closing.lesson)!r}, "
            f"and this run says {measured!r}"
        )
    return None
