"""What can be told: every happening is a frozen dataclass of plain values.

Their names and fields are what `lab events --json` prints, so that a page or a script can rely
on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal


class Happening:
    """Anything that is told."""

    __slots__ = ()


Listener = Callable[[Happening], None]
"""Is told what happens, as it happens, on the thread on which it happens."""


def silent(_happening: Happening) -> None:
    """A `Listener` that takes no notice."""


# Any work: bringing a lab up, a call, setting this host up.


@dataclass(frozen=True, slots=True)
class Began(Happening):
    """A stage of the work under way begins; it may overlap others."""

    stage: str
    """In words for the user: `opening the path`."""


@dataclass(frozen=True, slots=True)
class Ended(Happening):
    """A stage is over."""

    stage: str
    seconds: float
    succeeded: bool = True


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


# Calls.


@dataclass(frozen=True, slots=True)
class CallBegan(Happening):
    """A call is being made; what begins from now on belongs to it, until it ends."""

    call_id: str
    method: str
    codec: str
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class CallEnded(Happening):
    """A call is over and judged."""

    call_id: str
    status: Literal["ok", "failed"]
    valid: bool
    reason: str | None
    """Why it failed; None where it did not."""
    invalid_reasons: tuple[str, ...]
    figures: Mapping[str, float]
    """Some of its record, by the record's names; what was not measured is left out."""


@dataclass(frozen=True, slots=True)
class CallInterrupted(Happening):
    """A call was given up and has left nothing."""

    call_id: str


# Runs of experiments.


@dataclass(frozen=True, slots=True)
class RunBegan(Happening):
    """A run begins, or goes on; its labs are up."""

    run_id: str
    made: int
    """Calls made before."""
    still_wanted: int


@dataclass(frozen=True, slots=True)
class CallStage(Happening):
    """A stage of one of the calls that a run has under way, or of what surrounds it, begins."""

    point_id: str
    number: int
    """Of the call at its point, from 1."""
    stage: str


@dataclass(frozen=True, slots=True)
class RunAdvanced(Happening):
    """A call of a run has been made and stored."""

    run_id: str
    point_id: str
    number: int
    hearer: Literal["caller", "callee"]
    """Whose recording is scored at this point."""
    call: CallEnded
    valid_here: int
    """Valid calls at its point so far."""
    mean_mos: float | None
    """MOS-LQO of these, mean."""
    valid: int
    """Valid calls of the whole run so far."""
    made: int
    """Calls of any outcome so far."""
    still_wanted: int
    """Calls still to be made if every one turns out valid."""


@dataclass(frozen=True, slots=True)
class RunEnded(Happening):
    """A run is complete."""

    run_id: str
    valid: int
    invalid: int
    failed: int
