"""The files in an archive that somebody else made: what of them may be read, and what is wrong."""

from __future__ import annotations

import lzma
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from lab.bundles.layout import CONTENTS
from lab.errors import LabError

UNREADABLE = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError)
"""What reading an archive raises that is cut short, damaged or none."""


def is_bundle(file: Path) -> bool:
    """Whether the file is a bundle, whole or not: known by its first member."""
    try:
        with tarfile.open(file) as archive:
            first = archive.next()
    except UNREADABLE:
        return False
    return first is not None and _is_contents(first)


def top_of(archive: tarfile.TarFile, file: Path) -> str:
    """The directory below which all of the bundle lies; LabError where it is no bundle."""
    first = archive.next()
    if first is None or not _is_contents(first):
        raise LabError(
            f"{file} is no bundle: it does not begin with a {CONTENTS}", "`lab bundle` makes one."
        )
    return PurePosixPath(first.name).parts[0]


def name_of(member: tarfile.TarInfo, top: str) -> str:
    """What a member is called below `top`; LabError where it may not be in a bundle."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\\" in member.name:
        raise LabError(f"it holds {member.name}, which would lie outside of it")
    if member.issym() or member.islnk():
        raise LabError(f"it holds {member.name}, a link to {member.linkname}, and no link may be")
    if not member.isreg():
        raise LabError(f"it holds {member.name}, which is no file")
    if path.parts[0] != top or len(path.parts) < 2:
        raise LabError(f"it holds {member.name}, which does not lie in its directory {top}")
    return str(PurePosixPath(*path.parts[1:]))


def damage(error: BaseException) -> str:
    """What is wrong with an archive that raised one of `UNREADABLE`, after its name."""
    text = str(error)
    if "could not be opened successfully" in text:
        # What every kind of compression has to say of it follows.
        why = ": it is empty" if "empty file" in text else ""
        return f"cannot be read as a tar archive{why}"
    if isinstance(error, EOFError) or "unexpected end" in text:
        return "is cut short"
    if isinstance(error, zlib.error | lzma.LZMAError) or "CRC" in text:
        return "is damaged: what it was compressed from cannot be had again"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    return f"cannot be read as a tar archive: {text}"


def _is_contents(member: tarfile.TarInfo) -> bool:
    path = PurePosixPath(member.name)
    return member.isreg() and len(path.parts) == 2 and path.name == CONTENTS
