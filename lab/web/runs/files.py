"""What can be opened or downloaded of a run: its report, and its calls as a table."""

from __future__ import annotations

import threading

from lab.errors import LabError
from lab.measure.record import CallRecord
from lab.report.build import build_report
from lab.report.citation import with_citation
from lab.report.pages import to_html
from lab.store.database import Run
from lab.store.export import FORMATS
from lab.store.reading import read_store

TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
"""Format of `lab.store.export` → its media type."""
_one_draws = threading.Lock()
"""What draws figures has settings that all threads share."""


def report_of(name: str) -> tuple[str, str]:
    """The run's whole name and its report as an HTML page, the same as `lab report --html` writes.

    LabError where there is no such run, or it has no calls yet.
    """
    run, calls = _stored(name)
    if not calls:
        raise LabError(f"run {run.run_id} has no calls yet", "Its report needs one.")
    with _one_draws:
        return run.run_id, to_html(with_citation(build_report(run, calls), run, calls))


def calls_of(name: str, form: str) -> tuple[str, bytes]:
    """The run's whole name and its calls in a format of `FORMATS`.

    LabError where there is no such run or format.
    """
    if form not in FORMATS:
        raise LabError(f"there is no format {form}", f"Formats: {', '.join(FORMATS)}.")
    run, calls = _stored(name)
    return run.run_id, FORMATS[form](calls)


def _stored(name: str) -> tuple[Run, list[CallRecord]]:
    with read_store() as store:
        run = store.run(name)
        return run, store.calls(run.run_id)
