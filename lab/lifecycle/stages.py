"""Where the seconds of `lab up` go: stages that are told and timed, and may overlap."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lab.events import Began, Ended, Listener, silent


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage that is over."""

    name: str
    began_s: float
    """Since the first stage could begin."""
    seconds: float

    @property
    def ended_s(self) -> float:
        """Since the first stage could begin."""
        return self.began_s + self.seconds


@dataclass(slots=True)
class Stages:
    """The stages so far, in the order in which they ended."""

    tell: Listener = silent
    zero: float = field(default_factory=time.monotonic)
    """time.monotonic() when the first stage could begin."""
    done: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Tell and time one stage; a stage that fails is timed as well."""
        self.tell(Began(name))
        began, succeeded = time.monotonic(), False
        try:
            yield
            succeeded = True
        finally:
            self.note(name, began, time.monotonic(), succeeded)

    def note(self, name: str, began: float, ended: float, succeeded: bool = True) -> None:
        """Add a stage that went on beside others; times are those of time.monotonic()."""
        stage = Stage(name, began - self.zero, max(0.0, ended - began))
        self.done.append(stage)
        self.tell(Ended(stage.name, stage.seconds, succeeded))

    @property
    def total_s(self) -> float:
        """From the beginning of the first stage to the end of the last, s."""
        return max((stage.ended_s for stage in self.done), default=0.0)
