"""Check a bundle: every checksum, its database, every call; a sentence for each mistake."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.bundles.layout import (
    CALLS,
    CONTENTS,
    CRATE,
    EXPERIMENT,
    PLAN,
    STORE,
    SUMS,
    TOPOLOGY,
    Contents,
    read_contents,
)
from lab.bundles.members import UNREADABLE, damage, name_of, top_of
from lab.bundles.reduced import files_named
from lab.bundles.sums import read_sums, sha256_of
from lab.errors import LabError, sentence_of
from lab.measure.record import CallRecord
from lab.store.database import RUN_COLUMNS, Run
from lab.store.reading import read_store
from lab.sweep.asked import asked_columns
from lab.sweep.plan import plan_from_json
from lab.topology.mistakes import some

_LOOKED_INTO = (CONTENTS, SUMS, STORE, CRATE)
"""What more is asked of than its checksum."""
_BLOCK_BYTES = 2**20


@dataclass(slots=True)
class Checked:
    """What was found in a bundle."""

    contents: Contents | None = None
    """None where it could not be read."""
    files: int = 0
    read_to_the_end: bool = True
    mistakes: list[str] = field(default_factory=list)
    """Sentences without their full stop; none of a bundle that is whole."""


def check_bundle(file: Path) -> Checked:
    """Read all of a bundle, and compare it with what it says of itself.

    LabError where the file is no bundle, or one of a newer version. It is left as it is.
    """
    checked = Checked()
    with tempfile.TemporaryDirectory(prefix="voice-tor-lab-") as scratch:
        directory = Path(scratch)
        found = _read(file, directory, checked)
        checked.files = len(found)
        if not found:
            return checked
        if (directory / CONTENTS).exists():
            text = (directory / CONTENTS).read_text("utf-8", "replace")
            checked.contents = read_contents(text, file)
        checked.mistakes += _wrong_sums(file, directory, found)
        if checked.contents is not None:
            if checked.read_to_the_end:
                checked.mistakes += _wrong_calls(checked.contents, found)
            checked.mistakes += _wrong_store(directory, checked.contents, found)
            checked.mistakes += _wrong_crate(directory, found)
    return checked


def _read(file: Path, directory: Path, checked: Checked) -> Mapping[str, str]:
    """File → the SHA-256 of what it holds, of all that can be read."""
    found: dict[str, str] = {}
    try:
        with tarfile.open(file) as archive:
            top = top_of(archive, file)
            for member in archive:
                try:
                    name = name_of(member, top)
                except LabError as error:
                    checked.mistakes.append(error.message)
                    continue
                if name in found:
                    checked.mistakes.append(f"it holds {name} twice")
                found[name] = _digest(archive, member, directory, name)
            # Behind the archive stands the compression's own checksum.
            while archive.fileobj and archive.fileobj.read(_BLOCK_BYTES):
                pass
    except UNREADABLE as error:
        checked.mistakes.append(f"it {damage(error)}")
        checked.read_to_the_end = False
    return found


def _digest(archive: tarfile.TarFile, member: tarfile.TarInfo, directory: Path, name: str) -> str:
    if name in _LOOKED_INTO:
        member.name = name
        archive.extract(member, directory, filter="data")
        return sha256_of(directory / name)
    content = archive.extractfile(member)
    assert isinstance(content, io.BufferedReader)
    with content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _wrong_sums(file: Path, directory: Path, found: Mapping[str, str]) -> Iterator[str]:
    if SUMS not in found:
        yield f"it holds no {SUMS}, so nothing in it can be checked"
        return
    try:
        sums = read_sums((directory / SUMS).read_text("utf-8", "replace"), file)
    except LabError as error:
        yield error.message
        return
    for name, digest in found.items():
        if name in sums and sums[name] != digest:
            yield f"{name} is not what was packed: its SHA-256 is another one"
    missing = [name for name in sums if name not in found]
    if missing:
        yield f"{len(missing)} of its {len(sums)} files are missing: {some(missing)}"
    if strange := [name for name in found if name not in sums and name != SUMS]:
        yield f"it holds files that have no checksum: {some(strange)}"


def _wrong_calls(contents: Contents, found: Iterable[str]) -> Iterator[str]:
    there = {name.split("/")[1] for name in found if name.startswith(f"{CALLS}/")}
    for call in contents.kept:
        if call not in there:
            yield f"the directory of call {call} is missing, and {CONTENTS} does not say why"
    for call in sorted(there - set(contents.kept)):
        yield f"the directory of call {call} is there, and {CONTENTS} does not say so"


def _wrong_store(directory: Path, contents: Contents, found: Iterable[str]) -> Iterator[str]:
    file = directory / STORE
    if not file.exists():
        return
    try:
        with read_store(file) as store:
            run = store.run(contents.run_id)
            calls = store.calls()
            others = [each.run_id for each in store.runs() if each.run_id != run.run_id]
        with closing(sqlite3.connect(file)) as connection:
            columns = [row[1] for row in connection.execute("PRAGMA table_info(runs)")]
    except (LabError, sqlite3.Error, ValueError) as error:
        yield f"{STORE} cannot be used: {sentence_of(error).replace(str(file), 'it')}"
        return
    unknown = [name for name in columns if name not in RUN_COLUMNS]
    if unknown:
        yield f"{STORE} has columns of runs that this version does not know: {some(unknown)}"
    if others:
        yield f"{STORE} holds other runs than {run.run_id}: {some(others)}"
    yield from _wrong_rows(calls, contents)
    yield from _wrong_plan(run, calls, {*found} | contents.left_out.keys())


def _wrong_rows(calls: Iterable[CallRecord], contents: Contents) -> Iterator[str]:
    stored = [call.call_id for call in calls]
    if lacking := [call for call in contents.calls if call not in stored]:
        yield f"{STORE} lacks calls that {CONTENTS} names: {some(lacking)}"
    if strange := [call for call in stored if call not in contents.calls]:
        yield f"{STORE} has calls of which {CONTENTS} says nothing: {some(strange)}"


def _wrong_plan(run: Run, calls: Iterable[CallRecord], there: Iterable[str]) -> Iterator[str]:
    """What is wrong with the plan, with the files that it takes, and with calls beside it."""
    try:
        points = {point.point_id: point for point in plan_from_json(run.plan).points}
        named = (EXPERIMENT, TOPOLOGY, PLAN, *files_named(run.plan))
    except LabError as error:
        yield error.message
        return
    if lacking := [name for name in named if name not in there]:
        yield f"the run needs files that are not in it: {some(lacking)}"
    unknown: dict[str, None] = {}
    for call in calls:
        point = points.get(call.point_id or "")
        if point is None:
            yield f"call {call.call_id} belongs to no point of the run's plan"
        else:
            unknown |= dict.fromkeys(call.asked.keys() - asked_columns(point).keys())
    if unknown:
        told = some(sorted(unknown))
        yield f"{STORE} has columns of calls that this version does not know: {told}"


def _wrong_crate(directory: Path, found: Iterable[str]) -> Iterator[str]:
    file = directory / CRATE
    if not file.exists():
        return
    try:
        graph: list[dict[str, Any]] = json.loads(file.read_text("utf-8", "replace"))["@graph"]
        there = {*found}
        lacking = [e["@id"] for e in graph if e["@type"] == "File" and e["@id"] not in there]
    except (ValueError, KeyError, TypeError) as error:
        yield f"{CRATE} is no RO-Crate metadata: {type(error).__name__}: {error}"
        return
    if lacking:
        yield f"{CRATE} describes files that are not in the bundle: {some(lacking)}"
