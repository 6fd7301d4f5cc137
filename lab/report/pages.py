"""What every report consists of, and how it becomes text for a terminal or one HTML file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lab.measure.statistics import Counts, Interval


@dataclass(frozen=True, slots=True)
class Table:
    """A table for people; every cell is text, the first columns are names."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int
    """How many columns, from the left, are names rather than figures."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure with its caption."""

    name: str
    """The name of its files."""
    caption: str
    figure: Figure

    def save(self, path: Path) -> Path:
        """Write the figure as SVG or PNG; the same data gives the same SVG."""
        with _steady_svg():
            metadata = {"Date": None} if path.suffix == ".svg" else {}
            self.figure.savefig(path, dpi=150, metadata=metadata)
        return path


@dataclass(frozen=True, slots=True)
class Section:
    """What is told about one question."""

    title: str
    tables: tuple[Table, ...]
    findings: tuple[str, ...]
    """Sentences that say what agrees and what differs."""
    drawings: tuple[Drawing, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report."""

    title: str
    facts: tuple[tuple[str, str], ...]
    """What was run, on what, with what."""
    sections: tuple[Section, ...]
    remarks: tuple[str, ...] = ()
    """How the figures came about."""
    data: dict[str, Any] = field(default_factory=dict)
    """The same as plain values, for `--json`."""


def interval_text(interval: Interval, digits: int) -> str:
    """A mean with its 95 % confidence interval: `4.39 (4.38-4.41)`."""
    if interval.estimate is None:
        return "-"
    text = f"{interval.estimate:.{digits}f}"
    if interval.low is None or interval.high is None:
        return text
    return f"{text} ({interval.low:.{digits}f}-{interval.high:.{digits}f})"


def signed_text(interval: Interval, digits: int) -> str:
    """A difference with its 95 % confidence interval: `-35.1 (-38.0 to -32.2)`."""
    if interval.estimate is None:
        return "-"
    text = f"{interval.estimate:+.{digits}f}"
    if interval.low is None or interval.high is None:
        return text
    return f"{text} ({interval.low:+.{digits}f} to {interval.high:+.{digits}f})"


def mean_text(interval: Interval, digits: int) -> str:
    """A mean alone."""
    return number_text(interval.estimate, digits)


def number_text(value: float | None, digits: int) -> str:
    """A figure, where there is one: `4.39`, or `-`."""
    return "-" if value is None else f"{value:.{digits}f}"


def reach(interval: Interval) -> tuple[float, float]:
    """How far the interval reaches below and above its estimate, for error bars."""
    if interval.estimate is None or interval.low is None or interval.high is None:
        return 0.0, 0.0
    return max(0.0, interval.estimate - interval.low), max(0.0, interval.high - interval.estimate)


def counts_text(counts: Counts) -> tuple[str, str, str]:
    """Valid, invalid and failed calls as three cells."""
    return str(counts.valid), str(counts.invalid), str(counts.failed)


def print_report(report: Report, console: Console) -> None:
    """Write a report to a terminal; figures are only in the HTML file."""
    console.print(Text(report.title, style="bold"))
    for section in report.sections:
        for table in section.tables:
            console.print()
            console.print(rich_table(table))
        console.print()
        for finding in section.findings:
            console.print(Text(f"- {finding}"))
    console.print()
    for remark in report.remarks:
        console.print(Text(remark, style="dim"))


def rich_table(table: Table) -> RichTable:
    """A table for a terminal."""
    made = RichTable(
        title=Text(table.title),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for position, column in enumerate(table.columns):
        figures = [word for row in table.rows for word in row[position].split()]
        made.add_column(
            Text(column),
            justify="left" if position < table.names else "right",
            min_width=max(map(len, figures), default=0),
        )
    for row in table.rows:
        made.add_row(*map(Text, row))
    return made


def to_html(report: Report) -> str:
    """A report as one HTML file that needs no other."""
    drawings = {
        drawing.name: svg_text(drawing.figure)
        for section in report.sections
        for drawing in section.drawings
    }
    return page("lab.report", "report.html.j2", report=report, svg=drawings)


def page(package: str, template: str, **values: Any) -> str:
    """A page from a package's template, which may include those here; values are escaped."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, "."), PackageLoader("lab.report", ".")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def _steady_svg() -> AbstractContextManager[None]:
    """No random names in the file, and no font that a reader may lack."""
    # Who has drawn has loaded it; who tells of tables alone does so without.
    import matplotlib as mpl  # noqa: PLC0415

    return mpl.rc_context({"svg.hashsalt": "lab", "svg.fonttype": "path"})


def svg_text(figure: Figure) -> str:
    """A figure as an SVG element; the same data gives the same text."""
    file = io.StringIO()
    with _steady_svg():
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]


def joined(items: Sequence[str]) -> str:
    """Items as a list in a sentence: `a, b and c`."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))
