"""Measuring beside calling: one process of its own codes clips and measures calls.

It loads what it needs (numpy, scipy, PESQ) while the call is being set up, and scores several
recordings at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lab.engine.agent import Agent, AgentFailedError
from lab.errors import LabError
from lab.measure.call.files import SCORES, STALLS
from lab.measure.record import CallRecord
from lab.wire.messages import Dialogue, Event, Order

EventT = TypeVar("EventT", bound=Event)

PREPARE_DEADLINE_S = 120.0
"""The controls of a clip that was never seen take some seconds, on a busy host some more."""
MEASURE_DEADLINE_S = 600.0
"""A call of an hour takes about a minute."""
OPINION_DEADLINE_S = 3600.0
"""For each opinion: a call of 30 s takes it two minutes of a processor at most, which it leaves to
whatever else wants it."""


@dataclass(frozen=True, slots=True)
class PrepareClip(Order):
    """Code the clip of a call as far as it is played, and prove it fit: `ClipPrepared`."""

    directory: Path
    """The call's, with the clip in it."""
    codec: str
    bitrate_kbps: int | None
    played_s: int | None
    other_speech: Path | None
    """What must not be taken for the clip."""


@dataclass(frozen=True, slots=True)
class ClipPrepared(Event):
    """The clip can be used."""


@dataclass(frozen=True, slots=True)
class MeasureCall(Order):
    """Measure a call: `CallMeasured`."""

    directory: Path
    opinions: tuple[str, ...] = ()
    """What is asked about its recordings first, which takes minutes."""


@dataclass(frozen=True, slots=True)
class CallMeasured(Event):
    """The record of a call, the whole scores of its recordings, and what either end stalled at."""

    record: CallRecord
    scores: Any
    stalls: Any = None


MEASURER = Dialogue(
    "lab.calls.measurer", orders=(PrepareClip, MeasureCall), events=(ClipPrepared, CallMeasured)
)


class Measurer:
    """The process that measures, as whoever calls sees it: it does one thing after the other."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._due: list[type[Event]] = []
        """What it has yet to tell, in that order."""

    def prepare_clip(self, order: PrepareClip) -> None:
        """Begin to prepare the clip of a call; `await_clip` tells how that went."""
        self._agent.send(order)
        self._due.append(ClipPrepared)

    def await_clip(self) -> None:
        """Return when the clip is prepared; LabError where no call can be scored with it."""
        if self._due and self._due[0] is ClipPrepared:
            self._expect(self._due.pop(0), PREPARE_DEADLINE_S)

    def begin(self, directory: Path) -> None:
        """Begin to score a call's recordings; once they are, measuring it is quick."""
        self._agent.send(MeasureCall(directory))
        self._due.append(CallMeasured)

    def measure(self, directory: Path, opinions: Sequence[str] = ()) -> CallRecord:
        """The record of the call in `directory`, whose scores are kept there.

        `opinions` are asked about its recordings first, as far as that was not done before.
        LabError where the directory does not describe a call, or an opinion's package is missing.
        """
        self._agent.send(MeasureCall(directory, tuple(opinions)))
        while self._due:
            with suppress(LabError):
                self._expect(self._due.pop(0), MEASURE_DEADLINE_S)
        deadline_s = MEASURE_DEADLINE_S + OPINION_DEADLINE_S * len(opinions)
        done = self._expect(CallMeasured, deadline_s)
        if done.scores:
            text = json.dumps(done.scores, indent=2, default=str)
            (directory / SCORES).write_text(text, encoding="utf-8")
        if done.stalls:
            text = json.dumps(done.stalls, indent=2)
            (directory / STALLS).write_text(text, encoding="utf-8")
        return done.record

    def end(self) -> None:
        """Nothing more is to be measured: the process ends meanwhile."""
        self._agent.end()

    def _expect(self, kind: type[EventT], deadline_s: float) -> EventT:
        """Its next event; LabError, in its own words, where it failed."""
        try:
            return self._agent.expect(kind, deadline_s)
        except AgentFailedError as error:
            raise LabError(error.reason) from error


@contextmanager
def measuring() -> Iterator[Measurer]:
    """Have a measurer while the block runs; it begins to load at once."""
    command = [sys.executable, "-m", MEASURER.program]
    with Agent("the measuring process", command, MEASURER) as agent:
        yield Measurer(agent)
