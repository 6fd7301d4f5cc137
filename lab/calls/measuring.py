"""Measuring beside calling: one process of its own codes clips and measures calls.

It loads what it needs (numpy, scipy, PESQ) while the call is being set up, and scores several
recordings at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.engine.agent import Agent, AgentFailedError
from lab.errors import LabError
from lab.measure.record import CallRecord
from lab.wire.messages import Dialogue, Event, Order

PREPARE_DEADLINE_S = 120.0
"""The controls of a clip that was never seen take some seconds, on a busy host some more."""
MEASURE_DEADLINE_S = 600.0
"""A call of an hour takes about a minute."""
SCORES = "scores.json"
"""In a call's directory: the whole scores of its recordings, by what they are of."""


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


@dataclass(frozen=True, slots=True)
class CallMeasured(Event):
    """The record of a call, and the whole scores of its recordings."""

    record: CallRecord
    scores: Any


MEASURER = Dialogue(
    "lab.calls.measurer", orders=(PrepareClip, MeasureCall), events=(ClipPrepared, CallMeasured)
)


class Measurer:
    """The process that measures, as whoever calls sees it."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._clip_is_due = False

    def prepare_clip(self, order: PrepareClip) -> None:
        """Begin to prepare the clip of a call; what is wrong with it is told before measuring."""
        self._agent.send(order)
        self._clip_is_due = True

    def await_clip(self) -> None:
        """Return when the clip is prepared; LabError where no call can be scored with it."""
        if self._clip_is_due:
            self._clip_is_due = False
            try:
                self._agent.expect(ClipPrepared, PREPARE_DEADLINE_S)
            except AgentFailedError as error:
                raise LabError(error.reason) from error

    def measure(self, directory: Path) -> CallRecord:
        """The record of the call in `directory`, whose scores are kept there.

        LabError where the directory does not describe a call.
        """
        try:
            done = self._agent.ask(MeasureCall(directory), CallMeasured, MEASURE_DEADLINE_S)
        except AgentFailedError as error:
            raise LabError(error.reason) from error
        if done.scores:
            text = json.dumps(done.scores, indent=2, default=str)
            (directory / SCORES).write_text(text, encoding="utf-8")
        return done.record


@contextmanager
def measuring() -> Iterator[Measurer]:
    """Have a measurer while the block runs; it begins to load at once."""
    command = [sys.executable, "-m", MEASURER.program]
    with Agent("the measuring process", command, MEASURER) as agent:
        yield Measurer(agent)
