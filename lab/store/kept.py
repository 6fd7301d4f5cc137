"""What is kept of calls, found by whatever names it: call, run, directory or archive."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import storage
from lab.errors import LabError
from lab.measure.call.notes import FILE
from lab.measure.record import CallRecord
from lab.store.database import Store


@dataclass(frozen=True, slots=True)
class KeptCall:
    """The files of one call."""

    directory: Path
    """Where they can be read."""
    artefacts: Path
    """Where they are kept: the same, or the archive they were read from."""
    stored: CallRecord | None
    """What the store holds of the call; None where it knows of none."""


@contextmanager
def kept_calls(words: Sequence[str], store: Store) -> Iterator[list[KeptCall]]:
    """The calls that `words` name, each once, in that order; archives are unpacked meanwhile.

    A word is a directory or a tar archive of calls, the id of a call or of a run, or `last`.
    LabError where it is none of these, or an archive cannot be read.
    """
    stored = {call.call_id: call for call in store.calls()}
    with ExitStack() as unpacked:
        found: dict[Path, KeptCall] = {}
        for word in words:
            path = Path(word)
            if path.is_file():
                scratch = unpacked.enter_context(tempfile.TemporaryDirectory())
                for directory in _unpack(path, Path(scratch)):
                    known = stored.get(directory.name)
                    found[directory] = KeptCall(directory, path.absolute(), known)
                continue
            directories = [path.absolute()] if path.is_dir() else _named(word, store, stored)
            for directory in directories:
                found[directory] = KeptCall(directory, directory, stored.get(directory.name))
        yield list(found.values())


def _named(word: str, store: Store, stored: dict[str, CallRecord]) -> list[Path]:
    """The directories of a run's calls, or of one call."""
    runs = store.runs()
    run_id = runs[-1].run_id if runs and word == "last" else word
    if any(run.run_id == run_id for run in runs):
        return [_directory(call) for call in stored.values() if call.run_id == run_id]
    if word in stored:
        return [_directory(stored[word])]
    unstored = storage.results_directory() / "calls" / word
    if unstored.is_dir():
        return [unstored]
    raise LabError(
        f"there is no call, run, directory or archive {word}",
        "`lab experiment list` shows the runs, `lab export --all` every call.",
    )


def _directory(call: CallRecord) -> Path:
    """Where the files of a stored call are: as it says, or where the results are now."""
    kept = Path(call.artefacts) if call.artefacts else None
    here = storage.results_directory() / "calls" / call.call_id
    return kept if kept is not None and (kept.is_dir() or not here.is_dir()) else here


def _unpack(archive: Path, target: Path) -> list[Path]:
    """The directories of all calls in an archive."""
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(target, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise LabError(f"{archive} cannot be read as a tar archive: {error}") from error
    found = sorted(file.parent for file in target.rglob(FILE))
    if not found:
        raise LabError(f"{archive} holds no call", f"A call's directory has a {FILE}.")
    return found
