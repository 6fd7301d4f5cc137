"""A client's log of its voice: one line per packet, written when the call is over."""

from __future__ import annotations

from pathlib import Path, PurePosixPath


class VoiceLog:
    """Rows of whole numbers; times in it are Unix times in ns."""

    def __init__(self, *columns: str) -> None:
        self._columns = columns
        self._rows: list[tuple[int, ...]] = []

    def note(self, *row: int) -> None:
        """Add a packet, one number for each column."""
        self._rows.append(row)

    def write(self, file: PurePosixPath) -> None:
        """Keep all that was noted as CSV."""
        lines = (self._columns, *self._rows)
        text = "".join(",".join(str(value) for value in line) + "\n" for line in lines)
        Path(file).write_text(text, encoding="utf-8")
