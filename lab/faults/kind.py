"""What a kind of fault is: how it is had, and what ends it.

A kind is one module of `lab.faults.kinds`; commands, notation and checks are derived from these
values.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lab.lazy import Lazy

if TYPE_CHECKING:
    from lab.events import Listener
    from lab.faults.fault import Fault
    from lab.lifecycle.ready import ReadyLab

    Inject = Callable[[ReadyLab, Fault, Listener], AbstractContextManager["Injection"]]
    """Has all at hand that a fault takes, while the block runs; LabError where that cannot be had.
    With the block a fault ends that is in force still and is not to be kept."""
    Mend = Callable[[ReadyLab, Fault, Listener], bool]
    """Ends it, whosever it is, and tells so; whether there was any. LabError where it goes on."""


@dataclass(frozen=True, slots=True)
class Over:
    """The end of a fault."""

    at: float
    """Unix seconds."""
    lost: int | None = None
    """Packets that it took; None for a fault of a whole node."""


class Injection(Protocol):
    """One fault that can begin at once."""

    def begin(self, of: str) -> float:
        """Have it, for the call `of` or by hand; since when it is in force, Unix seconds.

        LabError where it does not come about.
        """

    def end(self) -> Over:
        """Have it no more; LabError where it goes on, or ended by itself."""

    def keep(self) -> None:
        """Leave it in force when the block ends."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of fault."""

    name: str
    """On the command line, in experiments, in events and in records."""
    description: str
    """What `lab fault NAME` does, as a sentence."""
    past: str
    """What is said of what has it, in records: `down`."""
    ended_by: str
    """The command that ends it; several kinds may have one."""
    ending: str
    """What that command does, as a sentence."""
    position: int
    """Where it stands among the others in lists."""
    inject: Lazy[Inject]
    mend: Lazy[Mend]
    on_link: bool
    """Whether it is of a link, rather than of a whole node."""
    has_share: bool = False
    """Whether it is of a share of the packets, which has to be named."""
    stops_node: bool = False
    """Whether the lab has to be verified again after it."""

    def undo(self, node: str, network: str | None) -> str:
        """The command that ends it there."""
        return " ".join(word for word in ("lab fault", self.ended_by, node, network) if word)
