"""What a command has changed of a lab's links for its own time, kept where the next one finds it.

Whoever changes links for a call writes down beforehand what they were, in the lab's project, and
puts them back at the end. Of a command that was killed, or lost its power, the note stays behind.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import storage
from lab.engine.lock import has_turn
from lab.engine.names import Holder
from lab.errors import LabError
from lab.shaping.cap import LinkPoint
from lab.wire.plain import from_plain, to_plain
from lab.wire.shape import Shape


@dataclass(frozen=True, slots=True)
class BorrowedLink:
    """One direction of a link."""

    point: LinkPoint
    before: Shape
    """What it is to have again: by the topology, or by its user's `lab link set`."""
    meanwhile: Shape


@dataclass(frozen=True, slots=True)
class Borrowed:
    """What one command has changed and not put back, in the order of the changes."""

    by: str
    """The command, in words."""
    links: tuple[BorrowedLink, ...]


def borrowed_in(lab: str) -> Borrowed | None:
    """What is noted of a lab; None where nothing is.

    LabError where the note cannot be understood.
    """
    path = _path(lab)
    try:
        return from_plain(Borrowed, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LabError(
            f"what an earlier command changed of the links of lab {lab} cannot be read from {path}",
            f"{error}; `lab link reset` brings links to what the topology says.",
        ) from error


def left_changed(lab: str) -> str | None:
    """What a command that is gone has left changed, as a sentence; None where nothing is.

    LabError where the note cannot be understood.
    """
    # Asked before and after: a call may begin or end meanwhile.
    if has_turn(lab) or (borrowed := borrowed_in(lab)) is None or has_turn(lab):
        return None
    links = ", ".join(f"{link.point}: {link.meanwhile}" for link in borrowed.links)
    return f"{borrowed.by} has left links changed, which the next command puts back: {links}"


def borrow(lab: str, links: Sequence[BorrowedLink]) -> None:
    """Write down what this process is about to change; LabError where the disk refuses."""
    noted = borrowed_in(lab)
    _write(lab, (*(noted.links if noted else ()), *links))


def give_back(lab: str, links: Sequence[BorrowedLink]) -> None:
    """Strike out what has been put back; LabError where the disk refuses."""
    noted = borrowed_in(lab)
    if noted is None:
        return
    if left := tuple(link for link in noted.links if link not in links):
        _write(lab, left)
    else:
        forget(lab)


def forget(lab: str) -> None:
    """Strike out everything."""
    _path(lab).unlink(missing_ok=True)


def _write(lab: str, links: tuple[BorrowedLink, ...]) -> None:
    """The note is there whole, or as it was; also where the power goes meanwhile."""
    path = _path(lab)
    unfinished = path.with_suffix(".unfinished")
    text = json.dumps(to_plain(Borrowed(str(Holder(os.getpid())), links)), indent=1)
    try:
        descriptor = storage.private_file(unfinished, os.O_WRONLY | os.O_TRUNC)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise LabError(f"cannot write {path}: {error.strerror}", "Make room.") from error


def _path(lab: str) -> Path:
    return storage.project_directory(lab) / "borrowed-links.json"
