"""What `up`, `call`, `experiment` and `setup` tell of what they do: typed, to one listener."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class Happening:
    """Anything that is told; every one of them is a frozen dataclass."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Began(Happening):
    """A stage of the work under way begins; it may overlap others."""

    stage: str
    """In words for the user: `opening the path`."""


@dataclass(frozen=True, slots=True)
class Ended(Happening):
    """A stage is over, whether it succeeded or not."""

    stage: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Noted(Happening):
    """Something worth knowing that is no stage."""

    text: str


@dataclass(frozen=True, slots=True)
class Building(Happening):
    """Where the build of an image has got to."""

    role: str
    step: int
    """From 1; 0 while the packages are fetched."""
    steps: int
    text: str
    """The instruction being run, or the last line it printed."""
    ready: bool = False
    """Whether this is the end of it."""


Listener = Callable[[Happening], None]
"""Is told what happens, as it happens, on the thread on which it happens."""


def silent(_happening: Happening) -> None:
    """A `Listener` that takes no notice."""
