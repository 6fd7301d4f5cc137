"""The process that codes clips and measures calls, as `lab.calls.measuring` orders."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from lab.calls.measuring import MEASURER, CallMeasured, ClipPrepared, MeasureCall, PrepareClip
from lab.clip.coded import write_coded
from lab.clip.fitness import check_fitness
from lab.errors import LabError
from lab.interruption import heed_nothing
from lab.measure.call.files import CODED, REFERENCE
from lab.measure.call.measured import measure_call
from lab.measure.call.opinions import Heard as Said
from lab.measure.call.opinions import Hearing, ask
from lab.measure.call.scores import Scoring, ceiling_of, score_one
from lab.measure.score import Score
from lab.measure.wav import Wav, read_wav
from lab.wire.line import Line
from lab.wire.messages import Event, Failed


class Scorer:
    """Scores recordings, several at once; the same audio is scored once.

    PESQ's own code can do one at a time in a process.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, Score] = {}

    def map(self, score: Callable[[Scoring], Score], jobs: Iterable[Scoring]) -> list[Score]:
        """As `map` would give it."""
        wanted = {content_of(job): job for job in jobs}
        new = [key for key in wanted if key not in self._known]
        if new:
            # Forked: what is loaded here is loaded there.
            pools = multiprocessing.get_context("fork")
            with pools.Pool(min(len(new), os.cpu_count() or 1), heed_nothing) as pool:
                found = pool.map(score, [wanted[key] for key in new], chunksize=1)
            self._known |= zip(new, found, strict=True)
        # Only of this call anything is scored again.
        self._known = {key: self._known[key] for key in wanted}
        return list(self._known.values())


def listening(hear: Callable[[Hearing], Said], jobs: Sequence[Hearing]) -> list[Said]:
    """As `map` would give it: in processes of their own, that leave the processors to others.

    They end with the call that was asked about, and what their libraries took with them.
    """
    if not jobs:
        return []
    # Not forked: these libraries have threads, and forked ones may wait for each other for ever.
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(len(jobs), os.cpu_count() or 1), os.nice, (19,)) as pool:
        return pool.map(hear, jobs, chunksize=1)


def prepare(order: PrepareClip, scorer: Scorer) -> Event:
    """Leave the coded clip beside the clip; LabError where no call can be scored with it."""
    clip = order.directory / REFERENCE
    check_fitness(clip, [_named(order.other_speech)] if order.other_speech else ())
    write_coded(clip, order.directory / CODED, order.codec, order.bitrate_kbps, order.played_s)
    if (order.directory / CODED).exists():
        scorer.map(score_one, [ceiling_of(order.directory, order.played_s)])
    return ClipPrepared()


def measure(order: MeasureCall, scorer: Scorer) -> Event:
    """Measure the call in a directory; LabError where it does not describe one."""
    if order.opinions:
        ask(order.directory, order.opinions, listening)
    found = measure_call(order.directory, scorer.map)
    return CallMeasured(found.record, found.scores, found.stalls)


def main() -> None:
    """Serve until the input ends."""
    line, scorer = Line(MEASURER), Scorer()
    while (order := line.hear()) is not None:
        try:
            if isinstance(order, PrepareClip):
                line.say(prepare(order, scorer))
            elif isinstance(order, MeasureCall):
                line.say(measure(order, scorer))
        except LabError as error:
            line.say(Failed(error.message))
        except OSError as error:
            line.say(Failed(f"{error.filename or 'a file'}: {error.strerror or error}"))


def content_of(job: Scoring) -> Hashable:
    """All that decides a score."""
    files = [job.directory / name for name in (REFERENCE, job.file)]
    digests = tuple(sha256(file.read_bytes()).digest() for file in files if file.exists())
    return job.name, digests, job.played_s, job.arrived_share, job.once


def _named(file: Path) -> Wav:
    return replace(read_wav(file), name=file.name)


if __name__ == "__main__":
    main()
    # Nothing is left to be put away, and taking numpy and scipy down takes 0.1 s.
    os._exit(0)
