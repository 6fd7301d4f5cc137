"""What is wrong in a file a user wrote, and the one error that lists all of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from lab.errors import LabError

Path = tuple[str | int, ...]
"""The keys (and list positions) that lead to a place in the document."""

MAX_LISTED = 100
MAX_COMPARED = 250
MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to correct."""

    path: Path
    """Where in the document; empty for the document as a whole."""
    message: str
    line: int | None = None
    """Counted from 1; None where the mistake has no place in the file."""
    column: int | None = None

    @property
    def place(self) -> str:
        """The path as text: `nodes.caller.links.home.rate`, `tor.circuit[1]`."""
        text = ""
        for key in self.path:
            if isinstance(key, int):
                text += f"[{key}]"
            else:
                name = key if key.replace("-", "").replace("_", "").isalnum() else quoted(key)
                text += f".{name[:60]}" if text else name[:60]
        return text


class DocumentError(LabError):
    """A file cannot be used; `mistakes` says everything that is wrong with it."""

    kind = "file"
    """What the file is meant to be."""

    def __init__(self, source: str, mistakes: Iterable[Mistake], hint: str = "") -> None:
        self.source = source
        self.mistakes = tuple(mistakes)
        count = len(self.mistakes)
        lines = [f"{self.kind} {source} has {count} mistake{'s' if count != 1 else ''}:"]
        for mistake in self.mistakes[:MAX_LISTED]:
            where = source if mistake.line is None else f"{source}:{mistake.line}:{mistake.column}"
            place = f" {mistake.place}:" if mistake.path else ""
            lines.append(f"  {where}:{place} {mistake.message}")
        if count > MAX_LISTED:
            lines.append(f"  … and {count - MAX_LISTED} more")
        super().__init__("\n".join(lines), hint)


class TopologyError(DocumentError):
    """A topology cannot be used."""

    kind = "topology"


def quoted(value: object) -> str:
    """A value as it is shown in a message: on one line, in quotes if text, never long."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = ascii(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 50 else f"{text[:47]}…"


def listed(words: Sequence[str], conjunction: str) -> str:
    """The words in a sentence: `a`, `a or b`, `a, b or c`."""
    head = ", ".join(words[:-1])
    return f"{head} {conjunction} {words[-1]}" if head else "".join(words)


def some(names: Sequence[str]) -> str:
    """The names in a sentence; of many, the first few and how many more there are."""
    more = len(names) - MAX_NAMED
    if more > 1:
        return f"{', '.join(names[:MAX_NAMED])} and {more} more"
    return ", ".join(names)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A clause that names the known word most like `word`, or nothing."""
    close = closest(word, known)
    return f"; did you mean {close!r}?" if close else ""


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or beginning with it; None where none is alike.

    Of very many known words only the first few hundred are looked at: comparing is slow.
    """
    start = word[:60].lower()
    by_lower = {name.lower(): name for name in islice(known, MAX_COMPARED)}
    alike = difflib.get_close_matches(start, by_lower, n=1, cutoff=0.6)
    alike += [name for name in by_lower if len(start) >= 3 and name.startswith(start)]
    return by_lower[alike[0]] if alike else None
