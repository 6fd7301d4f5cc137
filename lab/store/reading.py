"""Results that are only read: also where nothing can be written."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from lab import storage
from lab.errors import LabError
from lab.store.database import FILE, Store


@contextmanager
def read_store(path: Path | None = None) -> Iterator[Store]:
    """The database at `path` (default: the one under `$LAB_HOME`), which is left as it is.

    Without one there are no results: the store is empty. LabError where it cannot be read.
    """
    file = path or storage.results_directory() / FILE
    try:
        with _connection(file) as connection:
            yield Store(connection)
    except sqlite3.Error as error:
        raise LabError(f"cannot read the results in {file}: {error}") from error


@contextmanager
def _connection(file: Path) -> Iterator[sqlite3.Connection]:
    if not file.exists():
        with closing(sqlite3.connect(":memory:")) as empty:
            yield empty
        return
    in_place = _opened(file, "mode=ro")
    if in_place is not None:
        with closing(in_place):
            yield in_place
        return
    # Reading a log of writes takes a lock file beside it, which a read-only file system refuses;
    # without a log nothing is missing from the database itself.
    log = file.with_name(file.name + "-wal")
    if not (log.exists() and log.stat().st_size):
        with closing(sqlite3.connect(_address(file, "immutable=1"), uri=True)) as unchanging:
            yield unchanging
        return
    with tempfile.TemporaryDirectory(prefix="voice-tor-lab-") as scratch:
        try:
            for part in (file, log):
                shutil.copyfile(part, Path(scratch) / part.name)
        except OSError as error:
            raise LabError(
                f"cannot read the results in {file}: {error.strerror}",
                "They are copied to a temporary directory; TMPDIR names another.",
            ) from error
        with closing(sqlite3.connect(Path(scratch) / file.name)) as copy:
            yield copy


def _opened(file: Path, options: str) -> sqlite3.Connection | None:
    """A connection that can read, None where the file system does not allow it."""
    connection = sqlite3.connect(_address(file, options), uri=True, timeout=30)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            return None
        raise
    return connection


def _address(file: Path, options: str) -> str:
    return f"{file.absolute().as_uri()}?{options}"
