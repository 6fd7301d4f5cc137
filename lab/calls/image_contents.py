"""What never changes in an image: asked of a node that runs it once, then kept by its id."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from lab import storage
from lab.engine.discovery import RunningLab
from lab.engine.execution import file_in

log = logging.getLogger(__name__)

ID_DIGITS = 24
"""Enough of an image's id to tell it from every other."""


def kept(image_id: str, name: str, ask: Callable[[], bytes]) -> bytes:
    """What the image holds under `name`: as it is kept, else what `ask` gives, from now on.

    Of an image whose id is not known nothing is kept.
    """
    if not image_id:
        return ask()
    file = directory() / image_id.removeprefix("sha256:")[:ID_DIGITS] / name
    try:
        return file.read_bytes()
    except FileNotFoundError:
        found = ask()
    try:
        _keep(file, found)
    except OSError as error:
        log.debug("%s is not kept: %s", file, error)
    return found


def image_file(lab: RunningLab, node: str, place: PurePosixPath) -> bytes:
    """A file of the image that a node runs; LabError where it cannot be read there."""
    return kept(lab.node(node).image_id, place.name, lambda: file_in(lab, node, str(place)))


def directory() -> Path:
    """Where all of it lies; it can be removed at any time."""
    return storage.home() / "images"


def _keep(file: Path, content: bytes) -> None:
    """Write the whole file, or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as unfinished:
        unfinished.write(content)
    Path(unfinished.name).replace(file)
