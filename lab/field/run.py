"""The analysis of a whole tree on many cores."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial
from pathlib import Path

from lab.field.call import analyse_call, unfinished_row
from lab.field.layout import CallFiles, find_calls
from lab.field.row import CallRow
from lab.field.series import judge_series
from lab.field.table import Journal, write_table
from lab.measure.score import score
from lab.measure.wav import read_wav

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with the calls done and the calls in all."""
Analyse = Callable[[Path, CallFiles], CallRow]
"""From the reference and a call's files to its row; importable, for it runs in other processes."""


def analyse_tree(
    root: Path,
    reference: Path,
    table: Path,
    jobs: int,
    progress: Progress,
    channel: int | None = None,
) -> list[CallRow]:
    """Analyse every call below `root` and write `table`; the rows, by series and number.

    `channel` is that of the recordings which was received, from 1, where they have several.

    Calls that an earlier, interrupted run of the same analysis finished are not done again.
    Raises LabError where there is no call, no readable reference, or no place to write.
    """
    calls = find_calls(root)
    clip = read_wav(reference)
    score(clip, clip)  # What cannot be scored against itself is no reference: raises.
    journal = Journal(table, clip, channel)
    earlier = journal.finished()
    rows = {
        call.name: earlier[fingerprint]
        for call in calls
        if (fingerprint := journal.fingerprint(call)) in earlier
    }
    progress(len(rows), len(calls))
    waiting = [call for call in calls if call.name not in rows]
    for call, row in analyse_calls(waiting, reference, jobs, partial(analyse_one, channel=channel)):
        journal.add(call, row)
        rows[call.name] = row
        progress(len(rows), len(calls))
    judged = judge_series([rows[call.name] for call in calls])
    write_table(table, judged)
    journal.close()
    return judged


def analyse_one(reference: Path, files: CallFiles, channel: int | None = None) -> CallRow:
    """The row of one call, whatever its files hold."""
    try:
        return analyse_call(files, _reference(reference), channel)
    except Exception as error:
        # One odd file must not cost the thousand others their analysis.
        log.debug("%s", files.name, exc_info=True)
        return unfinished_row(files, f"the analysis failed: {error!r}")


def analyse_calls(
    calls: Sequence[CallFiles], reference: Path, jobs: int, analyse: Analyse = analyse_one
) -> Iterator[tuple[CallFiles, CallRow]]:
    """Each call with its row, as they finish, from `jobs` processes.

    A recording that crashes the PESQ program takes its process down, and with it every call
    in flight. Those are done again one at a time, so that only the culprit is given up.
    """
    waiting = list(calls)
    while waiting:
        suspects: list[CallFiles] = []
        for call, row in _in_parallel(waiting, partial(analyse, reference), jobs):
            if row is None:
                suspects.append(call)
                continue
            waiting.remove(call)
            yield call, row
        for call in suspects:
            for _, row in _in_parallel([call], partial(analyse, reference), 1):
                waiting.remove(call)
                yield call, row or unfinished_row(call, "the analysis crashed")


def _in_parallel(
    calls: Sequence[CallFiles], analyse: Callable[[CallFiles], CallRow], jobs: int
) -> Iterator[tuple[CallFiles, CallRow | None]]:
    """Each call with its row; None for those in flight when a process died, which ends it."""
    # Workers start from a clean process that has done the slow imports once.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lab.field.call"])
    workers = max(1, min(jobs, len(calls)))
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(workers, context, _work_in_the_background) as pool:
        flying: dict[Future[CallRow], CallFiles] = {}
        try:
            for call in calls:
                flying[pool.submit(analyse, call)] = call
                # Few in flight: after a crash few have to be done again.
                if len(flying) < workers + 1:
                    continue
                yield from _landed(flying)
            while flying:
                yield from _landed(flying)
        except BrokenProcessPool:
            yield from ((call, None) for call in flying.values())
        except BaseException:
            # Interrupted, or nobody wants the rest: do not wait for what is in flight.
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            raise


def _landed(flying: dict[Future[CallRow], CallFiles]) -> Iterator[tuple[CallFiles, CallRow]]:
    done, _ = wait(flying, return_when=FIRST_COMPLETED)
    for future in done:
        row = future.result()
        yield flying.pop(future), row


def _work_in_the_background() -> None:
    """Leave interrupts to the parent, and libraries' warnings to nobody."""
    warnings.simplefilter("ignore")
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)


_reference = cache(read_wav)
"""Read once per process."""
