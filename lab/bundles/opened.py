"""Read the results in a bundle: unpacked meanwhile, each file compared with its checksum."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.bundles.layout import (
    CALLS,
    CONTENTS,
    FIRST,
    PROFILES,
    STORE,
    SUMS,
    Contents,
    read_contents,
)
from lab.bundles.members import UNREADABLE, damage, name_of, top_of
from lab.bundles.sums import read_sums, sha256_of
from lab.errors import LabError

_CHECK = "`lab bundle verify` tells all that is wrong with it."
_ROOM = "It is unpacked into a temporary directory; TMPDIR names another."


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle of which the results are unpacked, but for calls that nobody asked for."""

    file: Path
    contents: Contents
    directory: Path
    """What of it is unpacked; removed when it is closed."""

    @property
    def store(self) -> Path:
        """Its database."""
        return self.directory / STORE

    def call(self, call_id: str) -> Path:
        """The directory of a call that was asked for."""
        return self.directory / CALLS / call_id


@contextmanager
def opened(file: Path, calls: Collection[str] | None = ()) -> Iterator[Bundle]:
    """The bundle in `file`: store, profiles, and the directories of `calls` (None: all of them).

    The file stays as it is. LabError where it is no bundle, is damaged as far as it was read, is
    of a newer version, or where there is no room to unpack it.
    """
    with tempfile.TemporaryDirectory(prefix="voice-tor-lab-") as scratch:
        directory = Path(scratch)
        contents = _unpacked(file, directory, calls)
        yield Bundle(file.absolute(), contents, directory)


def _unpacked(file: Path, directory: Path, calls: Collection[str] | None) -> Contents:
    try:
        with tarfile.open(file) as archive:
            return _unpack(file, archive, directory, calls)
    except UNREADABLE as error:
        raise LabError(f"{file} {damage(error)}", _CHECK) from error


def _unpack(
    file: Path, archive: tarfile.TarFile, directory: Path, calls: Collection[str] | None
) -> Contents:
    top = top_of(archive, file)
    contents: Contents | None = None
    sums: Mapping[str, str] = {}
    for member in archive:
        try:
            name = name_of(member, top)
        except LabError as error:
            raise LabError(f"{file} is refused: {error.message}", _CHECK) from None
        if not _wanted(name, calls):
            if name.startswith(f"{CALLS}/") and not calls:
                break
            continue
        place = _extract(archive, member, directory, name)
        if name == CONTENTS:
            contents = read_contents(place.read_text("utf-8", "replace"), file)
        elif name == SUMS:
            sums = read_sums(place.read_text("utf-8", "replace"), file)
            _check(file, CONTENTS, directory / CONTENTS, sums)
        else:
            _check(file, name, place, sums)
    lacking = [n for n in (STORE, *sums) if _wanted(n, calls) and not (directory / n).exists()]
    if lacking or contents is None:
        raise LabError(f"{file} is cut short: it holds no {(*lacking, CONTENTS)[0]}", _CHECK)
    return contents


def _wanted(name: str, calls: Collection[str] | None) -> bool:
    """Whether a file is read here, and no call's or that of one that is asked for."""
    first, *others = name.split("/")
    if first == CALLS:
        return calls is None or (len(others) > 1 and others[0] in calls)
    return first in (*FIRST, PROFILES)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, directory: Path, name: str) -> Path:
    member.name = name
    try:
        archive.extract(member, directory, filter="data")
    except OSError as error:
        if error.errno is None:
            raise
        raise LabError(f"cannot unpack {name}: {error.strerror}", _ROOM) from error
    return directory / name


def _check(file: Path, name: str, place: Path, sums: Mapping[str, str]) -> None:
    if sums.get(name) != sha256_of(place):
        raise LabError(f"{file} is damaged: {name} is not what was packed", _CHECK)
