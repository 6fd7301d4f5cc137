"""Reports and figures as files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lab.errors import LabError
from lab.report.pages import Drawing, Report, to_html


def write_drawings(drawings: Iterable[Drawing], directory: Path) -> list[Path]:
    """Save every figure as SVG and PNG; the files written.

    Raises LabError where the directory cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return [
            drawing.save(directory / f"{drawing.name}.{form}")
            for drawing in drawings
            for form in ("svg", "png")
        ]
    except OSError as error:
        raise LabError(f"{directory} cannot be written: {error.strerror}.") from error


def write_page(report: Report, directory: Path) -> Path:
    """Write the report as one HTML file that needs no other; LabError where that fails."""
    return write_text(to_html(report), directory / "report.html")


def write_citation(text: str, directory: Path) -> Path:
    """Write the CITATION.cff that is read beside the page; LabError where that fails."""
    return write_text(text, directory / "CITATION.cff")


def write_text(text: str, path: Path) -> Path:
    """Write a file, and the directories it is to be in; LabError where that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LabError(f"{path} cannot be written: {error.strerror}.") from error
    return path
