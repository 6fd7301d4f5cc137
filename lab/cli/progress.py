"""How the terminal listens: what happens becomes a spinner's text and lines that stay."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from lab.cli.event_lines import words
from lab.cli.output import err
from lab.events import (
    Began,
    Building,
    CallEnded,
    CallStage,
    Ended,
    FaultBegan,
    FaultEnded,
    Happening,
    Listener,
    Noted,
    RunAdvanced,
    RunBegan,
    RunEnded,
)
from lab.sweep.pace import time_left
from lab.verdict import FAILED, INVALID

log = logging.getLogger(__name__)


def saying(say: Callable[[str], None], what: str = "") -> Listener:
    """Listens to one piece of work: what is said is the stage that began last, and remarks stay."""

    def tell(happening: Happening) -> None:
        match happening:
            case Began(stage):
                say(f"{what}{stage} ...")
            case Noted(text):
                _show_line(text)
            case FaultBegan() | FaultEnded():
                _show_line(words(happening))

    return tell


class SetupProgress:
    """Listens to `lab setup`: a line per thing that is ready, and what is being done about it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._began: dict[str, float] = {}
        self._steps: dict[str, str] = {}

    def tell(self, happening: Happening) -> None:
        """Show what happens."""
        match happening:
            case Began(stage):
                self._say(f"{stage} …")
            case Noted(text):
                _show_line(text)
            case Ended(stage, seconds, succeeded=True):
                _show_line(f"{stage}: ready after {seconds:.1f} s")
            case Building():
                self._build(happening)

    def _build(self, image: Building) -> None:
        role, now = image.role, time.monotonic()
        began = self._began.setdefault(role, now)
        self._steps[role] = f"{role}: step {image.step} of {image.steps}: {image.text}"
        if image.ready:
            del self._steps[role]
            _show_line(f"image {role}: ready after {now - began:.1f} s")
        room = max((err.width - 4) // max(1, len(self._steps)) - 2, 20)
        line = "; ".join(" ".join(step.split())[:room] for step in self._steps.values())
        self._say(line)


class RunProgress:
    """Listens to a run: a line per call, with the running mean and the time left."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._began = time.monotonic()
        self._made_before = 0

    def tell(self, happening: Happening) -> None:
        """Show what happens."""
        match happening:
            case Began(stage):
                self._say(f"{stage} ...")
            case CallStage(point_id, number, stage):
                self._say(f"{point_id} ({number}): {stage} ...")
            case Noted(text):
                _show_line(text)
            case RunBegan():
                self._begin(happening)
            case RunAdvanced():
                _show_line(f"{_call_line(happening)}; {self._time_left(happening)}")
            case RunEnded():
                _show_line(_last_line(happening))

    def _begin(self, run: RunBegan) -> None:
        self._began = time.monotonic()
        self._made_before = run.made
        if run.made:
            _show_line(f"{run.made} calls are stored; {run.still_wanted} are still wanted.")

    def _time_left(self, run: RunAdvanced) -> str:
        """By the pace so far, invalid calls included."""
        if not run.still_wanted:
            return "done"
        spent_s, made = time.monotonic() - self._began, run.made - self._made_before
        return f"{time_left(spent_s, made, run.made, run.valid, run.still_wanted)} left"


def _show_line(text: str) -> None:
    try:
        err.print(text, soft_wrap=True)
    except OSError as error:
        # The work goes on though nobody can be told: a full disk, a reader that has left.
        log.debug("not told: %s: %s", text, error)


def _call_line(run: RunAdvanced) -> str:
    mean = "" if run.mean_mos is None else f", mean {run.mean_mos:.2f} (n={run.valid_here})"
    all_calls = run.made + run.still_wanted
    return f"[{run.made}/{all_calls}] {run.point_id}: {_outcome(run.call, run.hearer)}{mean}"


def _last_line(run: RunEnded) -> str:
    return (
        f"Run {run.run_id} is complete: {run.valid} valid, {run.invalid} invalid and "
        f"{run.failed} failed calls. `lab report {run.run_id}`"
    )


def _pesq(figures: Mapping[str, float], hearer: str) -> str:
    mos = figures.get(f"{hearer}_pesq_mos")
    if mos is not None:
        return f"PESQ {mos:.2f}"
    worst = figures.get(f"{hearer}_window_mos_min")
    if worst is None:
        return "no PESQ"
    best, windows = figures[f"{hearer}_window_mos_max"], figures[f"{hearer}_windows"]
    return f"PESQ {worst:.2f} to {best:.2f} in {windows:.0f} windows"


def _outcome(call: CallEnded, hearer: str) -> str:
    if call.verdict == FAILED:
        return f"failed, {call.why}"
    owd_ms = call.figures.get(f"{hearer}_owd_ms_p50")
    parts = [_pesq(call.figures, hearer), "no delay" if owd_ms is None else f"{owd_ms:.1f} ms"]
    if call.verdict == INVALID:
        parts.append(f"invalid, {call.why}")
    return ", ".join(parts)
