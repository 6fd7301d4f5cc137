"""The record of a demonstration that is handed in: one HTML file that needs no other."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from lab import storage
from lab.demo.demonstration import Recording
from lab.demo.outcome import Outcome
from lab.errors import LabError
from lab.report.files import write_text
from lab.report.pages import page, svg_text

MOST_AUDIO_BYTES = 2**20
"""Of one recording, so that the page stays small enough to be sent."""


@dataclass(frozen=True, slots=True)
class _Sound:
    caption: str
    content: str | None
    """In base64; None of a file that is not there or too large, which is told by its name."""
    name: str


def default_file(outcome: Outcome) -> Path:
    """Where the record goes if nobody chooses: beside the results of calls."""
    stamp = outcome.started_at[:19].translate({ord("-"): None, ord(":"): None})
    name = f"{outcome.demonstration.name}-{stamp}-{outcome.lab}.html"
    return storage.results_directory() / "demos" / name


def write_record(outcome: Outcome, chosen: Path | None) -> Path:
    """Write the record of an outcome to a file that somebody chose, or else to `default_file`.

    LabError where the chosen file cannot be written: the record is in the default one then.
    """
    text, kept = to_html(outcome), default_file(outcome)
    if chosen is None:
        return write_text(text, kept)
    try:
        return write_text(text, chosen)
    except LabError as error:
        raise LabError(error.message, f"The record is in {write_text(text, kept)}.") from error


def to_html(outcome: Outcome) -> str:
    """The page: text is escaped, pictures and sound are in it, and it runs no program."""
    shown = outcome.shown
    return page(
        "lab.demo",
        "record.html.j2",
        outcome=outcome,
        shown=shown,
        pictures=[
            (svg_text(drawing.figure), drawing.caption)
            for drawing in (shown.drawings if shown else ())
        ],
        sounds=[_sound(recording) for recording in (shown.recordings if shown else ())],
    )


def _sound(recording: Recording) -> _Sound:
    content = None
    try:
        if recording.file.stat().st_size <= MOST_AUDIO_BYTES:
            content = base64.b64encode(recording.file.read_bytes()).decode("ascii")
    except OSError:
        # A result that somebody has removed meanwhile; what was measured of it stands.
        pass
    return _Sound(recording.caption, content, str(recording.file))
