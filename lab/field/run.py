"""The analysis of a whole tree on many cores."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path

from lab.field.authors import beside, read_authors
from lab.field.call import analyse_call, unfinished_row
from lab.field.in_parallel import Progress, in_parallel
from lab.field.layout import CallFiles, find_calls
from lab.field.row import CallRow
from lab.field.series import judge_series
from lab.field.table import Journal, write_table
from lab.measure.score import score
from lab.measure.wav import read_wav

log = logging.getLogger(__name__)

Analyse = Callable[[Path, CallFiles], CallRow]
"""From the reference and a call's files to its row; importable, for it runs in other processes."""


def analyse_tree(
    root: Path,
    reference: Path,
    table: Path,
    jobs: int,
    progress: Progress,
    channel: int | None = None,
    authors: Path | None = None,
) -> list[CallRow]:
    """Analyse every call below `root` and write `table`; the rows, by series and number.

    `channel` is that of the recordings which was received, from 1, where they have several;
    `authors` is the study's own table, which is set beside.

    Calls that an earlier, interrupted run of the same analysis finished are not done again.
    Raises LabError where there is no call, no readable reference, or no place to write.
    """
    calls = find_calls(root)
    clip = read_wav(reference)
    score(clip, clip)  # What cannot be scored against itself is no reference: raises.
    theirs = read_authors(authors) if authors is not None else None
    journal = Journal(table, clip, channel, theirs is not None)
    earlier = journal.finished()
    rows = {
        call.name: earlier[fingerprint]
        for call in calls
        if (fingerprint := journal.fingerprint(call)) in earlier
    }
    progress(len(rows), len(calls))
    waiting = [call for call in calls if call.name not in rows]
    analyse = partial(analyse_one, channel=channel, as_studied=theirs is not None)
    for call, row in analyse_calls(waiting, reference, jobs, analyse):
        journal.add(call, row)
        rows[call.name] = row
        progress(len(rows), len(calls))
    judged = judge_series([rows[call.name] for call in calls])
    if theirs is not None:
        judged = beside(judged, theirs)
    write_table(table, judged)
    journal.close()
    return judged


def analyse_one(
    reference: Path, files: CallFiles, channel: int | None = None, as_studied: bool = False
) -> CallRow:
    """The row of one call, whatever its files hold."""
    try:
        return analyse_call(files, _reference(reference), channel, as_studied)
    except Exception as error:
        # One odd file must not cost the thousand others their analysis.
        log.debug("%s", files.name, exc_info=True)
        return unfinished_row(files, f"the analysis failed: {error!r}")


def analyse_calls(
    calls: Sequence[CallFiles], reference: Path, jobs: int, analyse: Analyse = analyse_one
) -> Iterator[tuple[CallFiles, CallRow]]:
    """Each call with its row, as they finish, from `jobs` processes."""
    for call, row in in_parallel(calls, partial(analyse, reference), jobs, "lab.field.call"):
        yield call, row or unfinished_row(call, "the analysis crashed")


_reference = cache(read_wav)
"""Read once per process."""
