"""The database of all calls: SQLite in WAL mode, a row committed when its call ends."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from lab import storage
from lab.errors import LabError
from lab.measure.record import CallRecord

FILE = "results.sqlite"
_JSON_COLUMNS = {"invalid_reasons", "versions"}
_TYPES = {"int": "INTEGER", "float": "REAL", "bool": "INTEGER", "str": "TEXT"}


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of an experiment, with all that is needed to go on with it."""

    run_id: str
    experiment: str
    started_at: str
    """UTC, ISO 8601."""
    seed: int
    definition: str
    """The experiment's YAML as it was run."""
    plan: str
    """The frozen order of its calls, as `lab.sweep.plan` writes it."""
    topology: str
    """The topology's YAML."""
    lab: str
    """The lab it is run in, or the beginning of their names where there are several."""
    jobs: int = 1
    """Labs side by side."""
    quick: bool = False
    paper_table: int | None = None
    """The table of the paper it is set beside."""
    lab_is_own: bool = False
    """Whether the run brought its lab up itself, and takes it down at the end."""
    versions: dict[str, str] = field(default_factory=dict)
    ended_at: str | None = None
    """When its last call ended; None while it can go on."""


class Store:
    """The open database; use `open_store`, or `lab.store.reading.read_store`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """What is missing in the database is missing in its rows, until `make_whole`."""
        self._connection = connection
        connection.row_factory = sqlite3.Row

    def make_whole(self) -> None:
        """Make the tables that are missing, and columns that a newer version added."""
        connection = self._connection
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        with connection:
            # Several commands may open a new database at once: each looks again what is missing.
            connection.execute("BEGIN IMMEDIATE")
            self._grow("runs", "run_id", Run)
            self._grow("calls", "call_id", CallRecord)
            connection.execute(
                "CREATE UNIQUE INDEX IF NOT EXISTS planned_calls"
                " ON calls (run_id, point_id, point_call)"
            )

    def _grow(self, table: str, key: str, row: type[Run] | type[CallRecord]) -> None:
        """Make the table where it is missing, and every column that it lacks."""
        run = self._connection.execute
        run(f'CREATE TABLE IF NOT EXISTS {table} ("{key}" TEXT PRIMARY KEY)')
        present = self._columns(table)
        for item in fields(row):
            if item.name not in present:
                kind = _TYPES.get(str(item.type).split(" | ")[0], "TEXT")
                run(f'ALTER TABLE {table} ADD COLUMN "{item.name}" {kind}')

    def _columns(self, table: str) -> set[str]:
        rows = self._connection.execute(f"PRAGMA table_info({table})")
        return {column["name"] for column in rows}

    def _rows(
        self, table: str, row: type[Run] | type[CallRecord], rest: str, *values: str
    ) -> list[sqlite3.Row]:
        """The columns of `row` that the table has; `rest` is what follows its name."""
        present = self._columns(table)
        names = ", ".join(f'"{item.name}"' for item in fields(row) if item.name in present)
        if not names:
            return []
        query = f"SELECT {names} FROM {table} {rest}"  # noqa: S608 - own names
        return list(self._connection.execute(query, values))

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        values = [_to_sql(name, value) for name, value in row.items()]
        with self._connection:
            self._connection.execute(
                f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 - own names
                values,
            )

    def add_run(self, run: Run) -> None:
        """Store the description of a run, if it is not stored yet."""
        if run.run_id not in {known.run_id for known in self.runs()}:
            self._insert("runs", asdict(run))

    def note_lab(self, run_id: str, versions: dict[str, str], lab_is_own: bool) -> None:
        """Keep with the run what its lab consists of and who brought it up."""
        with self._connection:
            self._connection.execute(
                "UPDATE runs SET versions = ?, lab_is_own = ? WHERE run_id = ?",
                (json.dumps(versions), lab_is_own, run_id),
            )

    def note_end(self, run_id: str, ended_at: str) -> None:
        """Keep with the run that it is complete."""
        with self._connection:
            self._connection.execute(
                "UPDATE runs SET ended_at = ? WHERE run_id = ?", (ended_at, run_id)
            )

    def runs(self) -> list[Run]:
        """Every run, oldest first."""
        rows = self._rows("runs", Run, "ORDER BY started_at, run_id")
        return [Run(**_from_sql(row, ("quick", "lab_is_own"))) for row in rows]

    def run(self, run_id: str) -> Run:
        """The run with that id, or the newest for `last`; LabError where there is none."""
        runs = self.runs()
        for run in reversed(runs):
            if run_id in (run.run_id, "last"):
                return run
        known = ", ".join(run.run_id for run in runs[-5:]) or "none"
        raise LabError(f"there is no run {run_id}", f"The newest runs: {known}.")

    def add_call(self, record: CallRecord) -> None:
        """Store one call and commit."""
        self._insert("calls", record.to_dict())

    def calls(self, run_id: str | None = None) -> list[CallRecord]:
        """The calls of a run, or all calls, in the order they were made."""
        order = "ORDER BY started_at, call_id"
        rows = (
            self._rows("calls", CallRecord, order)
            if run_id is None
            else self._rows("calls", CallRecord, f"WHERE run_id = ? {order}", run_id)
        )
        return [CallRecord(**_from_sql(row, ("valid",))) for row in rows]


@contextmanager
def open_store(path: Path | None = None) -> Iterator[Store]:
    """Open the database at `path` (default: the one under `$LAB_HOME`), making it if need be.

    LabError where it cannot be opened or written.
    """
    file = path or storage.results_directory() / FILE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file, timeout=30)
    except (OSError, sqlite3.Error) as error:
        raise LabError(f"cannot open the results in {file}: {error}") from error
    try:
        store = Store(connection)
        store.make_whole()
        yield store
    except sqlite3.Error as error:
        raise LabError(
            f"cannot store results in {file}: {error}",
            "Make room, or set LAB_HOME to a directory that can be written.",
        ) from error
    finally:
        connection.close()


def _to_sql(name: str, value: Any) -> Any:
    return json.dumps(value) if name in _JSON_COLUMNS else value


def _from_sql(row: sqlite3.Row, truths: tuple[str, ...]) -> dict[str, Any]:
    values = dict(row)
    for name in _JSON_COLUMNS & values.keys():
        values[name] = json.loads(values[name])
    for name in values.keys() & set(truths):
        values[name] = bool(values[name])
    return values
