"""The database of all calls: SQLite in WAL mode, a row committed when its call ends."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lab import storage
from lab.errors import LabError
from lab.measure.opinions import opinion_columns
from lab.measure.record import SPREAD, CallRecord
from lab.store.columns import KINDS, Column, column_of_values, columns_of

FILE = "results.sqlite"
BUSY_S = 30.0
"""How long a command waits while others write."""
BUSY_POLL_S = 0.02

_NO_ROOM = "Make room, or set LAB_HOME to a directory that can be written."

Some = TypeVar("Some")


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
    repeats: str | None = None
    """The run that it repeats, of a bundle; None for a run of its own."""
    bundle_sha256: str | None = None
    """Of that bundle's file, in hexadecimal."""
    cluster: str | None = None
    """The scheduler of the hosts that it calls on, or `local:N` for N workers of this host; None
    where it calls in labs of this host."""
    artefacts_stay: bool = False
    """Cluster: whether the files of calls stay on the hosts."""


LOCAL = "local:"
"""How `Run.cluster` begins where workers of this host are the cluster; their number follows."""
RUN_COLUMNS = columns_of(Run)
OPINION_COLUMNS = {name: Column(name, KINDS["float"]) for name in opinion_columns()}
CALL_COLUMNS = {**columns_of(CallRecord, apart_from=SPREAD), **OPINION_COLUMNS}
KEYS = {"runs": "run_id", "calls": "call_id"}
"""Table → its primary key."""


class Store:
    """The open database; use `open_store`, or `lab.store.reading.read_store`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """What the database lacks, its rows lack, until `make_whole`."""
        self._connection = connection
        connection.row_factory = sqlite3.Row

    def make_whole(self) -> None:
        """Make the tables that are missing, and columns that a newer version added."""
        _write_ahead(self._connection)
        run = self._connection.execute
        run("PRAGMA synchronous=FULL")
        # Several commands may open a new database at once: each looks again what is missing.
        with self._writing():
            for table, key in KEYS.items():
                run(f"CREATE TABLE IF NOT EXISTS {table} ({key} TEXT PRIMARY KEY)")
            self._grow("runs", RUN_COLUMNS.values())
            self._grow("calls", CALL_COLUMNS.values())
            run(
                "CREATE UNIQUE INDEX IF NOT EXISTS planned_calls"
                " ON calls (run_id, point_id, point_call)"
            )

    def _grow(self, table: str, columns: Iterable[Column]) -> None:
        """Make every column that the table lacks."""
        present = self._present(table)
        for column in columns:
            if column.name not in present:
                self._connection.execute(
                    f'ALTER TABLE {table} ADD COLUMN "{column.name}" {column.kind.sqlite}'
                )

    def _present(self, table: str) -> set[str]:
        """The columns that the table has; none where it is missing."""
        return {row["name"] for row in self._connection.execute(f"PRAGMA table_info({table})")}

    def _rows(self, table: str, rest: str = "", *values: str) -> list[sqlite3.Row]:
        """Rows, oldest first; `rest` is what follows the table's name."""
        if not self._present(table):
            return []
        query = f"SELECT * FROM {table} {rest} ORDER BY started_at, {KEYS[table]}"  # noqa: S608 - own names
        return list(self._connection.execute(query, values))

    def _insert(self, table: str, columns: Mapping[str, Column], row: Mapping[str, Any]) -> None:
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        cells = [columns[name].to_sql(value) for name, value in row.items()]
        self._connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 - own names
            cells,
        )

    def _insert_call(self, record: CallRecord) -> None:
        asked = {name: column_of_values(name, [value]) for name, value in record.asked.items()}
        self._grow("calls", asked.values())
        self._insert("calls", {**CALL_COLUMNS, **asked}, record.to_dict())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """All of what is written in the block, or nothing."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield

    def add_run(self, run: Run) -> None:
        """Store the description of a run, if it is not stored yet."""
        if run.run_id not in {known.run_id for known in self.runs()}:
            with self._writing():
                self._insert("runs", RUN_COLUMNS, asdict(run))

    def note_lab(self, run_id: str, versions: dict[str, str], lab_is_own: bool) -> None:
        """Keep with the run what its lab consists of and who brought it up."""
        with self._connection:
            self._connection.execute(
                "UPDATE runs SET versions = ?, lab_is_own = ? WHERE run_id = ?",
                (RUN_COLUMNS["versions"].to_sql(versions), lab_is_own, run_id),
            )

    def note_cluster(self, run: Run) -> None:
        """Keep with the run on which hosts it goes on, and where files of calls are kept."""
        with self._connection:
            self._connection.execute(
                "UPDATE runs SET cluster = ?, artefacts_stay = ? WHERE run_id = ?",
                (run.cluster, run.artefacts_stay, run.run_id),
            )

    def note_end(self, run_id: str, ended_at: str) -> None:
        """Keep with the run that it is complete."""
        with self._connection:
            self._connection.execute(
                "UPDATE runs SET ended_at = ? WHERE run_id = ?", (ended_at, run_id)
            )

    def runs(self) -> list[Run]:
        """Every run, oldest first."""
        return [Run(**_cells(row, RUN_COLUMNS)) for row in self._rows("runs")]

    def run(self, run_id: str) -> Run:
        """The run with that id, or the newest for `last`; LabError where there is none."""
        runs = self.runs()
        for run in reversed(runs):
            if run_id in (run.run_id, "last"):
                return run
        known = ", ".join(run.run_id for run in runs[-5:]) or "none"
        raise LabError(f"there is no run {run_id}", f"The newest runs: {known}.")

    def add_call(self, record: CallRecord) -> None:
        """Store one call and commit; one that is stored already is left as it is.

        A call is the same by its id, and a run's also by its point and its number there.
        """
        with self._writing():
            same = self._connection.execute(
                "SELECT 1 FROM calls WHERE call_id = ?"
                " OR (run_id = ? AND point_id = ? AND point_call = ?)",
                (record.call_id, record.run_id, record.point_id, record.point_call),
            )
            if same.fetchone() is None:
                self._insert_call(record)

    def replace_call(self, record: CallRecord) -> None:
        """Store one call in place of what is stored of it, if anything is, and commit."""
        with self._writing():
            self._connection.execute("DELETE FROM calls WHERE call_id = ?", (record.call_id,))
            self._insert_call(record)

    def calls(self, run_id: str | None = None) -> list[CallRecord]:
        """The calls of a run, or all calls, in the order they were made."""
        of_run = ("WHERE run_id = ?", run_id) if run_id is not None else ()
        return [_record(row) for row in self._rows("calls", *of_run)]

    def calls_as(
        self, row: type[Some], run_id: str | None, newest: int | None = None
    ) -> list[Some]:
        """Some columns of a run's calls, or of those of no run, in the order they were made.

        `row` is a dataclass whose fields are named as the columns. Records have hundreds of them,
        so that this is many times quicker than `calls`. Only the `newest` calls, where that is
        given.
        """
        present = self._present("calls")
        if not present:
            return []
        columns = columns_of(row)
        names = ", ".join(f'"{name}"' if name in present else "NULL" for name in columns)
        found = self._connection.execute(
            f"SELECT {names} FROM calls WHERE run_id IS ?"  # noqa: S608 - own names
            " ORDER BY started_at DESC, call_id DESC LIMIT ?",
            (run_id, -1 if newest is None else newest),
        ).fetchall()
        stored = zip(*reversed(found), strict=True)
        cells = [
            column.all_from_sql(each)
            for column, each in zip(columns.values(), stored, strict=bool(found))
        ]
        return [row(*each) for each in zip(*cells, strict=True)]

    def call(self, call_id: str) -> CallRecord | None:
        """The call with that id; None where there is none."""
        rows = self._rows("calls", "WHERE call_id = ?", call_id)
        return _record(rows[0]) if rows else None


@contextmanager
def open_store(path: Path | None = None) -> Iterator[Store]:
    """Open the database at `path` (default: the one under `$LAB_HOME`), making it if need be.

    LabError where it cannot be opened or written.
    """
    file = path or storage.results_directory() / FILE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file, timeout=BUSY_S)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise LabError(f"cannot open the results in {file}: {reason}", _NO_ROOM) from error
    try:
        store = Store(connection)
        store.make_whole()
        yield store
    except sqlite3.Error as error:
        raise LabError(
            f"cannot store results in {file}: {error}",
            _NO_ROOM,
        ) from error
    finally:
        connection.close()


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Have changes logged ahead of the database.

    Where another command is just doing that to a new database, SQLite itself does not wait: it
    is about to write what the other one writes.
    """
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(BUSY_POLL_S)
        else:
            return


def _cells(row: sqlite3.Row, columns: Mapping[str, Column]) -> dict[str, Any]:
    """A row's values; one that is older than a column has none there."""
    present = set(row.keys())
    return {
        name: column.from_sql(row[name] if name in present else None)
        for name, column in columns.items()
    }


def _record(row: sqlite3.Row) -> CallRecord:
    """The record in a row; columns that no measured figure has are what was asked."""
    others = [name for name in row.keys() if name not in CALL_COLUMNS]  # noqa: SIM118 - no mapping
    asked = {name: row[name] for name in others if row[name] is not None}
    cells = _cells(row, CALL_COLUMNS)
    said = {name: cells.pop(name) for name in OPINION_COLUMNS}
    opinions = {name: value for name, value in said.items() if value is not None}
    return CallRecord(**cells, asked=asked, opinions=opinions)
