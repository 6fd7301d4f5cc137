"""The CSV of the field analysis, and the journal that lets a stopped one go on."""

from __future__ import annotations

import csv
import json
import types
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args, get_type_hints

from lab.errors import LabError
from lab.field.layout import CallFiles
from lab.field.row import COLUMNS, CallRow
from lab.measure.wav import Wav

_TYPES = get_type_hints(CallRow)


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


def read_table(path: Path) -> list[CallRow]:
    """Rows from a CSV that `write_table` wrote.

    Raises LabError where it lacks columns or holds something else in them.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = set(COLUMNS) - set(reader.fieldnames or ())
            if missing:
                raise LabError(
                    f"{path} lacks the column {sorted(missing)[0]}.", "`lab field` writes it."
                )
            return [
                CallRow(**{name: _value(name, row[name]) for name in COLUMNS}) for row in reader
            ]
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise LabError(f"{path} holds what is no row of a call: {error}.") from error


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(name: str, text: str) -> Any:
    kinds = get_args(_TYPES[name]) or (_TYPES[name],)
    if text == "" and types.NoneType in kinds:
        return None
    if bool in kinds:
        return {"true": True, "false": False}[text]
    return int(text) if int in kinds else float(text) if float in kinds else text


class Journal:
    """One JSON line per finished call, beside the CSV, until the CSV is written.

    A line counts only if the call's files, the reference and the columns are still the same.
    """

    def __init__(self, table: Path, reference: Wav) -> None:
        self.path = table.with_name(f".{table.name}.journal")
        audio = sha256(reference.samples.tobytes()).hexdigest()
        self._basis = [audio, list(COLUMNS)]

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
