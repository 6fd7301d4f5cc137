"""The CSV of the field analysis, and the journal that lets a stopped one go on."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.field.layout import CallFiles
from lab.field.row import COLUMNS, CallRow
from lab.measure.wav import Wav


def write_table(path: Path, rows: Iterable[CallRow]) -> None:
    """Write the rows as CSV, whole or not at all; None becomes an empty field.

    Raises LabError where the file cannot be written.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in rows:
                writer.writerow(_text(getattr(row, name)) for name in COLUMNS)
        draft.replace(path)
    except OSError as error:
        raise LabError(f"{path} cannot be written: {error.strerror}.") from error


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class Journal:
    """One JSON line per finished call, beside the CSV, until the CSV is written.

    A line counts only if the call's files, the reference, its channel, the columns and what was
    asked for are still the same.
    """

    def __init__(
        self, table: Path, reference: Wav, channel: int | None = None, as_studied: bool = False
    ) -> None:
        self.path = table.with_name(f".{table.name}.journal")
        audio = sha256(reference.samples.tobytes()).hexdigest()
        self._basis = [audio, channel, as_studied, list(COLUMNS)]

    def finished(self) -> dict[str, CallRow]:
        """Rows of an earlier run that was stopped, by fingerprint of the call."""
        if not self.path.exists():
            return {}
        rows = {}
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
                rows[entry["fingerprint"]] = CallRow(**entry["row"])
            except (ValueError, TypeError, KeyError):
                continue  # The line that was being written when the run was stopped.
        return rows

    def add(self, files: CallFiles, row: CallRow) -> None:
        """Note a finished call."""
        entry = {"fingerprint": self.fingerprint(files), "row": asdict(row)}
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise LabError(f"{self.path} cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        """Remove the journal: the table is complete."""
        self.path.unlink(missing_ok=True)

    def fingerprint(self, files: CallFiles) -> str:
        """What the row depends on, as one short text."""
        states = [
            (str(path), status.st_size, status.st_mtime_ns)
            for path in files.files
            for status in [path.stat()]
        ]
        basis = json.dumps([self._basis, files.name, states])
        return sha256(basis.encode()).hexdigest()
