"""What every competing load does: start streams evenly, see that they flow, count, report.

Events and answers of an agent that calls `serve`:

{"event": "running", "after_s"}   once all are connected, all flow, and their sum has settled;
                                    what has had long enough for that need only take turns
{"event": "failed", "reason"}     one has ended before that
{"op": "take"}                    → {"samples": [[at, connected, [bytes of each]], …],
                                     "died": [{"stream", "at", "reason"}, …], …}; the first
                                    sample is the last one of the time before; what else the
                                    load tells by `Streams.figures` stands beside them
"""

from __future__ import annotations

import select
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab.wire.lines import hear, say

SAMPLE_S = 0.5
SETTLE_WINDOW_S = 2.0
"""In two such windows in a row every stream must flow, and the sums must be alike."""
SETTLED_WITHIN = 0.1
PATIENCE_S = 20.0
"""So long after the last start, a sum that still moves is taken for what it is, and so are streams
of which some pause: where the queue is shorter than two packets for each, TCP's timeouts make them
take turns."""
END_DEADLINE_S = 3.0

Sample = tuple[float, int, list[int]]
"""When, Unix seconds; how many streams were connected; the bytes of each so far."""


@dataclass(frozen=True)
class Death:
    """A stream that ended by itself."""

    stream: int
    at: float
    reason: str


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

    def figures(self) -> dict[str, Any]:
        """What the load tells besides, of the time since this was asked last."""
        return {}


def serve(streams: Streams, spacing_s: float) -> None:
    """Start, sample and answer, all in one loop, until the input ends."""
    began = start_due = sample_due = time.monotonic()
    recent: deque[Sample] = deque(maxlen=2 * round(SETTLE_WINDOW_S / SAMPLE_S) + 1)
    samples: list[Sample] = []
    died: list[Death] = []
    told = False
    while True:
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
                patient = now < start_due + PATIENCE_S
                if died:
                    say({"event": "failed", "reason": died[0].reason})
                    told = True
                elif (all_flow(recent, streams.count) and has_settled(recent)) or (
                    not patient and all_take_turns(recent, streams.count)
                ):
                    say({"event": "running", "after_s": now - began})
                    told = True
        due = sample_due if complete else min(sample_due, start_due)
        if select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
            if hear() is None:
                return
            samples.append(_sample(streams, died))
            answer = {"samples": samples, "died": [vars(death) for death in died]}
            say(answer | streams.figures())
            samples, died = samples[-1:], []


def _sample(streams: Streams, died: list[Death]) -> Sample:
    at = time.time()
    died += streams.deaths(at)
    return at, streams.connected(), streams.counted_bytes()


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
    each_flowed = all(counted > 0 for counted in samples[-1][2])
    return each_flowed and all(sum(window) > 0 for window in _windows(samples))


def has_settled(samples: Sequence[Sample]) -> bool:
    """Whether the sums of the two windows are alike; the samples as for `all_flow`."""
    first, second = (sum(window) for window in _windows(samples))
    return abs(first - second) <= SETTLED_WITHIN * max(first, second)


def _all_connected(samples: Sequence[Sample], count: int) -> bool:
    """Whether the samples fill two windows, and all `count` were connected at each."""
    enough = len(samples) > 2 * round(SETTLE_WINDOW_S / SAMPLE_S)
    return enough and all(connected >= count for _, connected, _ in samples)


def _windows(samples: Sequence[Sample]) -> list[list[int]]:
    """How much each stream's count grew in the first half, and in the second."""
    first, second, third = (samples[at][2] for at in (0, len(samples) // 2, -1))
    return [_growth(*pair) for pair in ((first, second), (second, third))]


def _growth(earlier: list[int], later: list[int]) -> list[int]:
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
