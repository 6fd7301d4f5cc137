"""The one base of every error a user is meant to read."""

from __future__ import annotations

from collections.abc import Sequence


class LabError(Exception):
    """Something a user can act on: one sentence about the named thing, and what to do.

    Raised where the fact is known and printed in one place, `lab.cli`; the exit status
    is 1. `hint` is a second sentence that says what to do next.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


def sentence_of(error: Exception) -> str:
    """What went wrong, without what to do; an error that is not the lab's in its own words."""
    return error.message if isinstance(error, LabError) else str(error)


def together(errors: Sequence[LabError]) -> LabError:
    """Several as one: every sentence, and what to do about each."""
    hints = dict.fromkeys(error.hint for error in errors if error.hint)
    return LabError("; ".join(error.message for error in errors), "\n".join(hints))


class UsageError(LabError):
    """The command was called in a way that cannot work; the exit status is 2."""
