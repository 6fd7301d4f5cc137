"""Faults of the links of one machine: begun, ended and left in force (`net.faults`).

Links go by the node's address on them. A fault is of both directions of its link.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.wire.messages import Dialogue, Event, Order

DOWN, LOSS, KILL, PAUSE = "down", "loss", "kill", "pause"
"""The kinds of fault that are known by what is seen of them; `lab.faults.kinds` has all."""
BY_HAND = "hand"
"""Whose fault one is that no call has asked for."""
ALL_PCT = 100.0
"""The loss of a link that is down."""


@dataclass(frozen=True, slots=True)
class LinkFault:
    """A fault of a link, as its delay line has it: the one in force, or else the last there was."""

    loss_pct: float
    """Of all packets, drawn each by itself and either way; 100 is a link that is down."""
    began_at: float
    """Unix seconds, and so on."""
    of: str
    """The call that asked for it, or `hand`."""
    until: float | None = None
    """When it is to end; None where nobody said."""
    ended_at: float | None = None
    """None as long as it is in force."""
    lost: int = 0
    """Packets that it took so far."""

    @property
    def in_force(self) -> bool:
        """Whether it takes packets still."""
        return self.ended_at is None

    @property
    def kind(self) -> str:
        """Which kind of fault it is."""
        return DOWN if self.loss_pct == ALL_PCT else LOSS

    @property
    def what(self) -> str:
        """What it does to the link, in words."""
        return DOWN if self.loss_pct == ALL_PCT else f"losing {self.loss_pct:g} %"


def fault_in_force(faults: Iterable[LinkFault | None]) -> LinkFault | None:
    """The fault that a link has, of those of its directions: they begin and end together."""
    return next((fault for fault in faults if fault and fault.in_force), None)


def place_of(node: str, network: str | None) -> str:
    """What is broken, in words: a link, or a whole node where there is no network."""
    return node if network is None else f"{node}/{network}"


@dataclass(frozen=True, slots=True)
class PrepareLinks(Order):
    """Let links go through the delay line, in which faults are: `LinksPrepared`."""

    addresses: tuple[IPv4Address, ...]


@dataclass(frozen=True, slots=True)
class LinksPrepared(Event):
    """A fault there begins at once, and loses nothing before."""


@dataclass(frozen=True, slots=True)
class BeginFault(Order):
    """Have a fault on a link that is prepared: `FaultInForce`.

    It ends with the program, unless `KeepFaults` was ordered.
    """

    address: IPv4Address
    loss_pct: float
    of: str
    until: float | None = None
    """As of `LinkFault`: said to whoever asks, and kept by who gives the order."""


@dataclass(frozen=True, slots=True)
class FaultInForce(Event):
    """As read back."""

    fault: LinkFault


@dataclass(frozen=True, slots=True)
class EndFault(Order):
    """Have no fault on a link any more, whosever it was: `FaultOver`."""

    address: IPv4Address


@dataclass(frozen=True, slots=True)
class FaultOver(Event):
    """The link does as its shape says."""

    fault: LinkFault | None
    """What it had; None where there was none."""


@dataclass(frozen=True, slots=True)
class KeepFaults(Order):
    """Leave in force what was begun when the program ends: `FaultsKept`."""


@dataclass(frozen=True, slots=True)
class FaultsKept(Event):
    """Whoever ends them has to say so."""


FAULTS = Dialogue(
    "net.faults",
    orders=(PrepareLinks, BeginFault, EndFault, KeepFaults),
    events=(LinksPrepared, FaultInForce, FaultOver, FaultsKept),
)
