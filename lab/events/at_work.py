"""Which of the commands that told something are still at work, and at what."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from lab.events.happenings import (
    Began,
    CallBegan,
    CallEnded,
    CallInterrupted,
    CircuitOpened,
    LabUp,
)
from lab.events.told import Told


def under_way(history: Iterable[Told]) -> list[Told]:
    """Of what a journal holds: the calls that go on, their circuits, and the stage of each command.

    In the order in which they were told.
    """
    latest: dict[int, list[Told]] = {}
    for told in history:
        before = latest.setdefault(told.pid, [])
        match told.what:
            case CallBegan():
                latest[told.pid] = [told]
            case CircuitOpened():
                before.append(told)
            case Began():
                latest[told.pid] = [*_without_stage(before), told]
            case CallEnded() | CallInterrupted() | LabUp():
                latest[told.pid] = []
    going_on = [told for of_one in latest.values() for told in of_one if is_at_work(told)]
    return sorted(going_on, key=lambda told: told.at)


def _without_stage(told: list[Told]) -> list[Told]:
    return [one for one in told if not isinstance(one.what, Began)]


def is_at_work(told: Told) -> bool:
    """Whether the process that told it still runs, and is not another of the same number."""
    try:
        stat = Path(f"/proc/{told.pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    # proc(5): field 22, counted from after the name in brackets, which may hold anything.
    ticks = int(stat.rpartition(")")[2].split()[19])
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - age_s <= told.at + 1
