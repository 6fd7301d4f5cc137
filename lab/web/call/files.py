"""Calls of the store and their files, found by nothing but what the store and the disk list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import storage
from lab.measure.record import CallRecord
from lab.store.kept import directory_of
from lab.store.reading import read_store

AUDIO = ".wav"


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call of the store."""

    record: CallRecord
    directory: Path | None
    """Its files; None where they are gone."""

    @property
    def files(self) -> Mapping[str, Path]:
        """What its directory holds, by the name within it; symbolic links are left out."""
        if self.directory is None:
            return {}
        return {
            str(file.relative_to(self.directory)): file
            for file in sorted(self.directory.rglob("*"))
            if file.is_file() and not file.is_symlink()
        }


def stored_call(call_id: str) -> StoredCall | None:
    """The call of that id; None where the store has none. LabError where it cannot be read."""
    with read_store() as store:
        record = store.call(call_id)
    if record is None:
        return None
    directory = directory_of(record)
    return StoredCall(record, directory if directory.is_dir() else None)


def is_kept(call_id: str) -> bool:
    """Whether there are files of a call, which may not be stored yet."""
    return call_id in {file.name for file in _kept()}


def newest_calls(most: int) -> list[CallRecord]:
    """The stored calls whose files are the newest, newest first. LabError as above."""
    names = sorted((file.name for file in _kept()), reverse=True)[:most]
    with read_store() as store:
        found = [store.call(name) for name in names]
    return [record for record in found if record is not None]


def call_file(call_id: str, name: str, suffix: str = "") -> Path | None:
    """A file of a call, by its name within the call's directory; None where there is none.

    Only names that the directory's own listing has are found, and of these only such that end
    with `suffix`. LabError where the store cannot be read.
    """
    call = stored_call(call_id)
    if call is None or not name.endswith(suffix):
        return None
    return call.files.get(name)


def _kept() -> Iterator[Path]:
    """The directories of all calls that the results have."""
    return storage.calls_directory().glob("*/")
