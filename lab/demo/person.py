"""Who watches a demonstration, as the demonstration sees them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from lab.demo.demonstration import Question, Recording
from lab.events import Listener

if TYPE_CHECKING:
    from lab.report.pages import Drawing, Table


class Person(Protocol):
    """Reads, predicts and answers: at a terminal, or at a page."""

    @property
    def attends(self) -> bool:
        """Whether anybody is there to be asked."""

    def headline(self, text: str) -> None:
        """Have them read where the demonstration has got to."""

    def tell(self, text: str) -> None:
        """Have them read a paragraph."""

    def show(self, table: Table) -> None:
        """Have them look at a table."""

    def draw(self, drawing: Drawing) -> None:
        """Have them look at a drawing, where it can be shown; the record has it in any case."""

    def hear(self, recording: Recording) -> None:
        """Tell them where something is to be heard."""

    def choose(self, question: Question) -> int | None:
        """The choice they make; None where nobody attends."""

    def number(self, text: str, proposed: int, low: int, high: int) -> int:
        """The number they give, `low` to `high`; what is proposed, where nobody attends."""

    def busy(self, what: str) -> AbstractContextManager[Listener]:
        """Let them wait for `what` while the block runs; the listener is told how it goes."""
