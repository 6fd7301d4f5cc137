"""What a command has changed of a lab's links for its own time, kept where the next one finds it.

Who changes links for a call writes down beforehand what they were, in the lab's project, and puts
them back at the end. Of a command that was killed, or lost its power, the note stays behind.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab import storage
from lab.errors import LabError
from lab.shaping.cap import LinkPoint
from lab.wire.plain import ShapeError, from_plain, to_plain
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
    """What one command has changed."""

    by: str
    """The command, in words."""
    links: tuple[BorrowedLink, ...]


def borrowed_in(lab: str) -> Borrowed | None:
    """What is noted in a lab; None where nothing is.

    LabError where the note cannot be understood.
    """
    path = _path(lab)
    try:
        return from_plain(Borrowed, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ShapeError, ValueError) as error:
        raise LabError(
            f"what an earlier command changed of the links of lab {lab} cannot be read: {error}",
            f"`lab link reset --name {lab}` brings them to what the topology says.",
        ) from error


def note_borrowed(
    lab: str, by: str, before: Mapping[LinkPoint, Shape], meanwhile: Mapping[LinkPoint, Shape]
) -> None:
    """Write down what is about to be changed, and has been before in the same turn.

    The note is there whole, or not at all. LabError where the disk refuses.
    """
    links = {link.point: link for link in (noted.links if noted else ())}
