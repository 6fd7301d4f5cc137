"""Write a bundle: the same files are the same octets, and a name has a whole bundle or none."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import secrets
import tarfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.bundles.layout import CALLS, FIRST, SUMS
from lab.bundles.sums import sha256_of
from lab.errors import LabError

_COMPRESSION = 6
_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a bundle."""

    name: str
    """Its path below the bundle's own directory."""
    content: bytes | Path
    """What it holds, or the file that holds it."""

    @property
    def sha256(self) -> str:
        """Of its content, in hexadecimal; OSError where it cannot be read."""
        if isinstance(self.content, bytes):
            return hashlib.sha256(self.content).hexdigest()
        return sha256_of(self.content)

    @property
    def size_bytes(self) -> int:
        """Of its content; OSError where it cannot be read."""
        if isinstance(self.content, bytes):
            return len(self.content)
        return self.content.stat().st_size


def write_archive(file: Path, top: str, entries: Iterable[Entry], modified_s: int) -> None:
    """Pack the entries and their checksums below the directory `top`; `file` is replaced.

    Each file has `modified_s` (Unix time) for its own. Nothing of when, by whom and on which host
    it is packed is in the archive. LabError where it cannot be written; then `file` is as before.
    """
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        packed = _in_order(entries)
        with unfinished.open("wb") as raw:
            with (
                gzip.GzipFile("", "wb", _COMPRESSION, raw, mtime=0) as compressed,
                tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
            ):
                for entry in packed:
                    _add(archive, top, entry, modified_s)
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.replace(file)
    except OSError as error:
        about = error.filename if error.filename not in (None, str(unfinished)) else file
        raise LabError(
            f"cannot write {file}: {about}: {error.strerror or error}"
            if about != file
            else f"cannot write {file}: {error.strerror or error}",
            "Nothing is left of it. Make room, or write it elsewhere with -o.",
        ) from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _in_order(entries: Iterable[Entry]) -> Sequence[Entry]:
    """The entries with their checksums, in the one order that archives have."""

    def place(entry: Entry) -> tuple[int, str]:
        if entry.name in FIRST:
            return FIRST.index(entry.name), ""
        return len(FIRST) + entry.name.startswith(f"{CALLS}/"), entry.name

    packed = sorted(entries, key=lambda entry: entry.name)
    sums = "".join(f"{entry.sha256}  {entry.name}\n" for entry in packed)
    return sorted([*packed, Entry(SUMS, sums.encode())], key=place)


def _add(archive: tarfile.TarFile, top: str, entry: Entry, modified_s: int) -> None:
    described = tarfile.TarInfo(f"{top}/{entry.name}")
    described.size, described.mtime, described.mode = entry.size_bytes, modified_s, _MODE
    if isinstance(entry.content, bytes):
        archive.addfile(described, io.BytesIO(entry.content))
        return
    with entry.content.open("rb") as file:
        archive.addfile(described, file)
