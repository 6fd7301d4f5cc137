"""The verdict on a call that is over, in one word and with its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, get_args

Verdict = Literal["valid", "invalid", "failed"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
VALID: Final = "valid"
"""The lab vouches for what was measured; these calls alone enter a mean."""
INVALID: Final = "invalid"
"""Carried, but the lab cannot vouch for what was measured."""
FAILED: Final = "failed"
"""Never carried, or not measurable."""
NOT_TOLD = "no reason was told"


def verdict_of(status: str, valid: bool) -> Verdict:
    """The verdict on a call of that status, `ok` or `failed`: one that failed is never valid."""
    if status != "ok":
        return FAILED
    return VALID if valid else INVALID


class Judged:
    """A call that is over: its record, some columns of that, or the word that it has ended."""

    __slots__ = ()
    status: str
    """`ok` or `failed`."""
    valid: bool
    reason: str | None
    """Why it failed; None where it did not."""
    invalid_reasons: Sequence[str]
    """What speaks against its figures, also where it failed."""

    @property
    def verdict(self) -> Verdict:
        """What became of it."""
        return verdict_of(self.status, self.valid)

    @property
    def reasons(self) -> tuple[str, ...]:
        """All that speaks against it, why it failed first; empty of a valid call."""
        if self.verdict == FAILED:
            return (self.reason or NOT_TOLD, *self.invalid_reasons)
        return () if self.verdict == VALID else tuple(self.invalid_reasons)

    @property
    def why(self) -> str:
        """Why it failed, or else all reasons why it is invalid; nothing of a valid call."""
        return self.reasons[0] if self.verdict == FAILED else "; ".join(self.reasons)

    @property
    def in_words(self) -> str:
        """The verdict, and why where it is not `valid`."""
        return f"{self.verdict}: {self.why}" if self.why else self.verdict
