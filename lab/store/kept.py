"""What is kept of calls, found by whatever names it: call, run, directory, archive or bundle."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import storage
from lab.bundles.layout import Contents
from lab.bundles.members import UNREADABLE, damage, is_bundle
from lab.bundles.opened import opened
from lab.errors import LabError
from lab.measure.call.notes import FILE
from lab.measure.record import CallRecord
from lab.store.database import Store
from lab.store.reading import read_store


@dataclass(frozen=True, slots=True)
class KeptCall:
    """The files of one call."""

    directory: Path
    """Where they can be read."""
    artefacts: Path
    """Where they are kept: the same, or the archive they were read from."""
    stored: CallRecord | None
    """What the store holds of the call; None where it knows of none."""
    travels: bool = False
    """Whether it came in a bundle: then `stored` is what the bundle's own store holds of it."""


@contextmanager
def kept_calls(words: Sequence[str], store: Store) -> Iterator[list[KeptCall]]:
    """The calls that `words` name, each once, in that order; archives are unpacked meanwhile.

    A word is a directory, a tar archive or a bundle of calls, the id of a call or of a run, or
    `last`; after an archive's name and a colon, the id of one call in it. LabError where it is none
    of these, or an archive cannot be read.
    """
    stored = {call.call_id: call for call in store.calls()}
    with ExitStack() as unpacked:
        found: dict[Path, KeptCall] = {}
        for word in words:
            path, only = _archive(word)
            if path.is_file():
                within = _in_bundle if is_bundle(path) else _in_archive
                calls = unpacked.enter_context(within(path, only, stored))
                found |= {call.directory: call for call in calls}
                continue
            path = Path(word)
            directories = [path.absolute()] if path.is_dir() else _named(word, store, stored)
            for directory in directories:
                found[directory] = KeptCall(directory, directory, stored.get(directory.name))
        yield list(found.values())


def _named(word: str, store: Store, stored: dict[str, CallRecord]) -> list[Path]:
    """The directories of a run's calls, or of one call."""
    runs = store.runs()
    run_id = runs[-1].run_id if runs and word == "last" else word
    if any(run.run_id == run_id for run in runs):
        return [directory_of(call) for call in stored.values() if call.run_id == run_id]
    if word in stored:
        return [directory_of(stored[word])]
    unstored = storage.call_directory(word)
    if unstored.is_dir():
        return [unstored]
    raise LabError(
        f"there is no call, run, directory or archive {word}",
        "`lab experiment list` shows the runs, `lab export --all` every call.",
    )


def directory_of(call: CallRecord) -> Path:
    """Where the files of a stored call are: as it says, or where the results are now."""
    kept = Path(call.artefacts) if call.artefacts else None
    here = storage.call_directory(call.call_id)
    return kept if kept is not None and (kept.is_dir() or not here.is_dir()) else here


def _archive(word: str) -> tuple[Path, str | None]:
    """The archive that a word may name, and the call in it that it asks for; None: all of them."""
    name, colon, call = word.rpartition(":")
    if colon and not Path(word).exists() and Path(name).is_file():
        return Path(name), call
    return Path(word), None


@contextmanager
def _in_bundle(
    file: Path, only: str | None, _stored: Mapping[str, CallRecord]
) -> Iterator[list[KeptCall]]:
    with opened(file, None if only is None else [only]) as bundle:
        with read_store(bundle.store) as store:
            packed = {call.call_id: call for call in store.calls()}
        kept = [call for call in bundle.contents.kept if only in (None, call)]
        if not kept:
            raise LabError(*_not_in(file, only, bundle.contents))
        yield [KeptCall(bundle.call(c), file.absolute(), packed.get(c), travels=True) for c in kept]


def _not_in(file: Path, only: str | None, contents: Contents) -> tuple[str, str]:
    if only is not None and only not in contents.calls:
        return f"{file} holds no call {only}", f"Its run is {contents.run_id}."
    reason = contents.calls[only] if only else "no call's directory was asked for"
    which = "no call's directory" if only is None else f"the directory of call {only} not"
    return (
        f"{file} holds {which}: {reason}",
        "`lab bundle RUN --artefacts all` puts them in, where they are.",
    )


@contextmanager
def _in_archive(
    archive: Path, only: str | None, stored: Mapping[str, CallRecord]
) -> Iterator[list[KeptCall]]:
    with tempfile.TemporaryDirectory() as scratch:
        found = [call for call in _unpack(archive, Path(scratch)) if only in (None, call.name)]
        if not found:
            raise LabError(f"{archive} holds no call {only}")
        yield [KeptCall(each, archive.absolute(), stored.get(each.name)) for each in found]


def _unpack(archive: Path, target: Path) -> list[Path]:
    """The directories of all calls in an archive."""
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(target, filter="data")
    except UNREADABLE as error:
        raise LabError(f"{archive} {damage(error)}") from error
    found = sorted(file.parent for file in target.rglob(FILE))
    if not found:
        raise LabError(f"{archive} holds no call", f"A call's directory has a {FILE}.")
    return found
