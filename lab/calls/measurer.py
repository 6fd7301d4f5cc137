"""The process that codes clips and measures calls, as `lab.calls.measuring` orders."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from lab.calls.measuring import MEASURER, CallMeasured, ClipPrepared, MeasureCall, PrepareClip
from lab.clip.coded import write_coded
from lab.clip.fitness import check_fitness
from lab.errors import LabError
from lab.measure.call.measured import measure_call
from lab.measure.call.notes import CODED, REFERENCE
from lab.measure.call.scores import Scoring
from lab.measure.score import Score
from lab.measure.wav import Wav, read_wav
from lab.wire.line import Line
from lab.wire.messages import Event, Failed


def side_by_side(score: Callable[[Scoring], Score], jobs: Iterable[Scoring]) -> list[Score]:
    """Score several recordings at once; PESQ's own code can do one at a time in a process."""
    jobs = list(jobs)
    # Forked: what is loaded here is loaded there.
    with multiprocessing.get_context("fork").Pool(min(len(jobs), os.cpu_count() or 1)) as pool:
        return pool.map(score, jobs, chunksize=1)


def prepare(order: PrepareClip) -> Event:
    """Leave the coded clip beside the clip; LabError where no call can be scored with it."""
    clip = order.directory / REFERENCE
    check_fitness(clip, [_named(order.other_speech)] if order.other_speech else ())
    write_coded(clip, order.directory / CODED, order.codec, order.bitrate_kbps, order.played_s)
    return ClipPrepared()


def measure(order: MeasureCall) -> Event:
    """Measure the call in a directory; LabError where it does not describe one."""
    found = measure_call(order.directory, side_by_side)
    return CallMeasured(found.record, found.scores)


def main() -> None:
    """Serve until the input ends."""
    line = Line(MEASURER)
    while (order := line.hear()) is not None:
        try:
            if isinstance(order, PrepareClip):
                line.say(prepare(order))
            elif isinstance(order, MeasureCall):
                line.say(measure(order))
        except LabError as error:
            line.say(Failed(error.message))
        except OSError as error:
            line.say(Failed(f"{error.filename or 'a file'}: {error.strerror or error}"))


def _named(file: Path) -> Wav:
    return replace(read_wav(file), name=file.name)


if __name__ == "__main__":
    main()
