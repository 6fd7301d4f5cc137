"""What a demonstration is: what it asks, what it needs, and what it comes to when it is shown.

A demonstration is one module of `lab.demo.demonstrations`; lists, the command and the teacher's
tests are derived from these values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING

from lab.calls.needs import Need
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.demo.stage import Stage
    from lab.report.pages import Drawing, Table


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the answers it can have."""

    text: str
    choices: tuple[str, ...]

    @property
    def letters(self) -> str:
        """One for each choice."""
        return ascii_lowercase[: len(self.choices)]

    def answer(self, choice: int) -> str:
        """A choice as it is told: `b: nobody`."""
        return f"{self.letters[choice]}: {self.choices[choice]}"


@dataclass(frozen=True, slots=True)
class Closing:
    """The question at the end, with what this run's own figures answer it."""

    question: Question
    right: int | None
    """The choice that follows from what was measured; None where nothing follows."""
    lesson: int
    """The choice that the lesson teaches."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Something to listen to."""

    caption: str
    file: Path
    """A WAV file."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a demonstration came to; every figure in it was measured in this run."""

    came: int | None
    """The choice of the prediction that came true; None where the calls decide none."""
    findings: tuple[str, ...]
    """What happened, a sentence each."""
    why: tuple[str, ...]
    """What it comes from, a sentence each."""
    closing: Closing
    tables: tuple[Table, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    recordings: tuple[Recording, ...] = ()


@dataclass(frozen=True, slots=True)
class Demonstration:
    """One demonstration."""

    name: str
    title: str
    """What is asked, in a line."""
    position: int
    """Where it stands among the others in lists."""
    topology: str
    """A shipped topology that has what it needs."""
    needs: tuple[Need, ...]
    """What the topology of its lab must have."""
    scene: str
    """What is going to be done, before anything is."""
    prediction: Question
    expected: int
    """The choice that is to come true."""
    show: Callable[[Stage], Shown]
    """Makes its calls, and says what they came to; NotShownError where they come to nothing."""


class NotShownError(LabError):
    """The demonstration could not be given; the message says what was in its way."""
