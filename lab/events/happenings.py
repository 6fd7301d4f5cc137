"""What can be told: every happening is a frozen dataclass of plain values.

Their names and fields are what `lab events --json` prints, so that a page or a script can rely
on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from lab.ends import CALLER
from lab.verdict import Judged


class Happening:
    """Anything that is told."""

    __slots__ = ()


Listener = Callable[[Happening], None]
"""Is told what happens, as it happens, on the thread on which it happens."""


def silent(_happening: Happening) -> None:
    """A `Listener` that takes no notice."""


def both(first: Listener, second: Listener) -> Listener:
    """Tells two, in this order."""

    def tell(happening: Happening) -> None:
        first(happening)
        second(happening)

    return tell


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


# Labs: what is found, and what changes.


@dataclass(frozen=True, slots=True)
class LabUp(Happening):
    """A lab has come up and works, or was up and still does."""

    seconds: float


@dataclass(frozen=True, slots=True)
class LabFound(Happening):
    """Here begins what is so at this moment, as Docker, the kernel and the store know it."""

    topology: str


@dataclass(frozen=True, slots=True)
class CaughtUp(Happening):
    """All that is so has been told; from here on it is what happens."""


@dataclass(frozen=True, slots=True)
class LabGone(Happening):
    """The last of its nodes was removed."""


@dataclass(frozen=True, slots=True)
class NodeState(Happening):
    """The state of a node, or a change of it."""

    node: str
    role: str
    state: str
    """Docker's word: created, running, paused, exited; removed once it is no more."""
    exit_code: int | None = None
    """Of a node that has exited."""


@dataclass(frozen=True, slots=True)
class LinkFound(Happening):
    """A link, and the cap on what its node sends there."""

    node: str
    network: str
    address: str
    interface: str | None
    """None while the node does not run."""
    rate_configured_kbps: int | None
    rate_in_force_kbps: int | None


@dataclass(frozen=True, slots=True)
class LinkShaped(Happening):
    """A command has changed what happens to the packets of one direction of a link."""

    node: str
    network: str
    direction: str
    """`out` or `in`, as its node sees it."""
    rate_kbps: int | None
    """None where nothing caps it."""
    shape: str
    """All of it, in words."""


@dataclass(frozen=True, slots=True)
class FaultBegan(Happening):
    """Something is broken on purpose, by hand or because a call is to meet it."""

    kind: str
    """Of `lab.faults.kinds`: down, loss, kill or pause."""
    node: str
    network: str | None
    """The link's; None for a fault of a whole node."""
    loss_pct: float | None
    """Of a link that loses packets."""
    for_s: float | None
    """How long it is to last; None until somebody ends it."""


@dataclass(frozen=True, slots=True)
class FaultEnded(Happening):
    """It is whole again."""

    kind: str
    node: str
    network: str | None
    seconds: float | None
    """How long it lasted; None where that is not known."""
    lost: int | None
    """Packets that a link has lost of it, either way; None for a fault of a whole node."""


@dataclass(frozen=True, slots=True)
class LinkCounters(Happening):
    """What the kernel has counted at a link since its node started."""

    node: str
    network: str
    sent_bytes: int
    received_bytes: int
    sent_packets: int
    received_packets: int
    dropped_packets: int
    """By the interface itself, either way; what a queue at a cap drops is not among them."""
    sent_kbps: float | None
    """Since the counters before; None for the first."""
    received_kbps: float | None


# Calls.


@dataclass(frozen=True, slots=True)
class CallBegan(Happening):
    """A call is being made; what begins from now on belongs to it, until it ends."""

    call_id: str
    method: str
    codec: str
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class CircuitOpened(Happening):
    """A circuit that the call under way goes through."""

    relays: tuple[str, ...]
    """Guard first."""
    end: str = CALLER
    """Whose Tor client's it is."""


@dataclass(frozen=True, slots=True)
class CallEnded(Happening, Judged):
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
