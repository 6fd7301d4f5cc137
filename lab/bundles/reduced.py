"""The results of one run by themselves: its database, without what only the packing host knows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path, PurePosixPath

from lab.bundles.layout import CALLS, PROFILES
from lab.errors import LabError
from lab.measure.record import CallRecord
from lab.store.database import Run, open_store
from lab.sweep.dimensions import DIMENSIONS


def write_store(file: Path, run: Run, calls: Sequence[CallRecord]) -> None:
    """Make a database of `run` and its calls alone; the same rows are the same octets.

    Unlike the user's own it has no log of writes beside it. LabError where it cannot be written.
    """
    with open_store(file) as store:
        store.add_run(run)
        for call in calls:
            store.add_call(call)
    try:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute("VACUUM")
    except sqlite3.Error as error:
        raise LabError(f"cannot store results in {file}: {error}", "Make room.") from error


def portable_calls(calls: Sequence[CallRecord]) -> list[CallRecord]:
    """The records with their directories as they are called in a bundle, or would be."""
    return [replace(call, artefacts=call.artefacts and f"{CALLS}/{call.call_id}") for call in calls]


def portable_run(run: Run) -> tuple[Run, Mapping[str, Path]]:
    """The run with the files that its points name as they are called in a bundle; those files.

    A bundle's name of a file → where it is on this host.
    """
    files: dict[str, Path] = {}

    def packed(path: str) -> str:
        name = f"{PROFILES}/{PurePosixPath(path).name}"
        files[name] = Path(path)
        return name

    return replace(run, plan=_with_files(run.plan, packed)), files


def plan_with_files(plan: str, directory: Path) -> str:
    """The plan of a bundle with the files that its points name as they lie in `directory`."""
    return _with_files(plan, lambda name: str(directory / PurePosixPath(name).name))


def files_named(plan: str) -> tuple[str, ...]:
    """The files that the points of a plan name, each once."""
    named: dict[str, None] = {}

    def keep(name: str) -> str:
        named[name] = None
        return name

    _with_files(plan, keep)
    return tuple(named)


def _with_files(plan: str, renamed: Callable[[str], str]) -> str:
    """The plan with every file that a point names called as `renamed` has it."""
    naming = [
        coordinate.name
        for dimension in DIMENSIONS
        if dimension.found is not None
        for coordinate in dimension.coordinates
    ]
    data = json.loads(plan)
    for values in data.get("points", []):
        for name in naming:
            if values.get(name) is not None:
                values[name] = renamed(values[name])
    return json.dumps(data)
