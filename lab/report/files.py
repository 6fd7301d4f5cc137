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
    page = directory / "report.html"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        page.write_text(to_html(report), encoding="utf-8")
    except OSError as error:
        raise LabError(f"{directory} cannot be written: {error.strerror}.") from error
    return page
