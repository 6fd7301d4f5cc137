"""What every competing load does: start streams evenly, see that they flow, count, report."""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any

from lab.wire.line import Line
from lab.wire.load import Death, LoadReport, Running, Sample, Take
from lab.wire.messages import Failed

SAMPLE_S = 0.5
SETTLE_WINDOW_S = 2.0
"""In two such windows in a row every stream must flow, and the sums must be alike."""
SETTLED_WITHIN = 0.1
PATIENCE_S = 20.0
"""So long after the last start, a sum that still moves is taken for what it is, and so are streams
of which some pause: where the queue is shorter than two packets for each, TCP's timeouts make them
take turns."""
END_DEADLINE_S = 3.0


class Streams(ABC):
    """The streams of one load."""

    def __init__(self, count: int) -> None:
        self.count = count
        """How many are wanted."""
        self.started = 0

    @abstractmethod
    def start_next(self) -> None:
        """Start one more."""

    @abstractmethod
    def connected(self) -> int:
        """How many are connected now."""

    @abstractmethod
    def counted_bytes(self) -> list[int]:
        """The payload of each so far, or of all together; never less than before."""

    @abstractmethod
    def deaths(self, now: float) -> list[Death]:
        """Who has ended since this was asked last."""

    def is_running(self, recent: Sequence[Sample], *, patient: bool) -> bool:
        """Whether the load runs, by its last samples; once not `patient`, taking turns is enough.

        `recent` as for `all_flow`; all have been started.
        """
        steady = all_flow(recent, self.count) and has_settled(recent)
        return steady or (not patient and all_take_turns(recent, self.count))

    def report(self, samples: Sequence[Sample], died: Sequence[Death]) -> LoadReport:
        """What there is to tell of the time since this was asked last."""
        return LoadReport(tuple(samples), tuple(died))


def serve(line: Line, streams: Streams, spacing_s: float) -> None:
    """Start, sample and answer, all in one loop, until there can be no more orders."""
    began = start_due = sample_due = time.monotonic()
    recent: deque[Sample] = deque(maxlen=2 * round(SETTLE_WINDOW_S / SAMPLE_S) + 1)
    samples: list[Sample] = []
    died: list[Death] = []
    told = False
    while not line.ended:
        now = time.monotonic()
        complete = streams.started == streams.count
        if not complete and now >= start_due:
            streams.start_next()
            streams.started += 1
            start_due += spacing_s
        elif now >= sample_due:
            samples.append(_sample(streams, died))
            sample_due = now + SAMPLE_S
            if complete and not told:
                recent.append(samples[-1])
                if died:
                    line.say(Failed(died[0].reason))
                    told = True
                elif streams.is_running(recent, patient=now < start_due + PATIENCE_S):
                    line.say(Running(now - began))
                    told = True
        due = sample_due if complete else min(sample_due, start_due)
        if isinstance(line.hear(max(0.0, due - time.monotonic())), Take):
            samples.append(_sample(streams, died))
            line.say(streams.report(samples, died))
            samples, died = samples[-1:], []


def _sample(streams: Streams, died: list[Death]) -> Sample:
    at_s = time.time()
    died += streams.deaths(at_s)
    return Sample(at_s, streams.connected(), tuple(streams.counted_bytes()))


def all_flow(samples: Sequence[Sample], count: int) -> bool:
    """Whether all `count` were connected, and each flowed in both of two windows in a row.

    `samples` are equally spaced, the oldest first; there must be enough for two windows.
    """
    return _all_connected(samples, count) and all(
        increase > 0 for window in _windows(samples) for increase in window
    )


def all_take_turns(samples: Sequence[Sample], count: int) -> bool:
    """Whether all were connected, each has carried something, and together they always flow.

    `samples` as for `all_flow`.
    """
    if not _all_connected(samples, count):
        return False
    each_flowed = all(counted > 0 for counted in samples[-1].carried_bytes)
    return each_flowed and all(sum(window) > 0 for window in _windows(samples))


def has_settled(samples: Sequence[Sample]) -> bool:
    """Whether the sums of the two windows are alike; the samples as for `all_flow`."""
    first, second = (sum(window) for window in _windows(samples))
    return abs(first - second) <= SETTLED_WITHIN * max(first, second)


def _all_connected(samples: Sequence[Sample], count: int) -> bool:
    """Whether the samples fill two windows, and all `count` were connected at each."""
    enough = len(samples) > 2 * round(SETTLE_WINDOW_S / SAMPLE_S)
    return enough and all(sample.connected >= count for sample in samples)


def _windows(samples: Sequence[Sample]) -> list[list[int]]:
    """How much each stream's count grew in the first half, and in the second."""
    first, second, third = (samples[at].carried_bytes for at in (0, len(samples) // 2, -1))
    return [_growth(*pair) for pair in ((first, second), (second, third))]


def _growth(earlier: Sequence[int], later: Sequence[int]) -> list[int]:
    """How much each stream's count grew; one that was not counted earlier had carried nothing."""
    known = [*earlier, *[0] * (len(later) - len(earlier))]
    return [after - before for before, after in zip(known, later, strict=True)]


def end_all(processes: Sequence[subprocess.Popen[Any]]) -> None:
    """Terminate processes together; kill those that do not follow."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + END_DEADLINE_S
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
