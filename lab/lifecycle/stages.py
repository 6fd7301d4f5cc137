"""Where the seconds of `lab up` go: stages that are announced and timed, and may overlap."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Announce = Callable[[str], None]
"""Is told what begins now, in words for the user."""


def silent(_text: str) -> None:
    """An `Announce` that says nothing."""


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

    announce: Announce = silent
    zero: float = field(default_factory=time.monotonic)
    """time.monotonic() when the first stage could begin."""
    done: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Announce and time one stage; a stage that fails is timed as well."""
        self.announce(name)
        began = time.monotonic()
        try:
            yield
        finally:
            self.note(name, began, time.monotonic())

    def note(self, name: str, began: float, ended: float) -> None:
        """Add a stage that went on beside others; times are those of time.monotonic()."""
        self.done.append(Stage(name, began - self.zero, max(0.0, ended - began)))

    @property
    def total_s(self) -> float:
        """From the beginning of the first stage to the end of the last, s."""
        return max((stage.ended_s for stage in self.done), default=0.0)
