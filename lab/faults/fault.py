"""One fault that is asked for: what is to break, and when. Pure values."""

from __future__ import annotations

from dataclasses import dataclass

from lab.topology.units import format_moment
from lab.wire.faults import place_of


@dataclass(frozen=True, slots=True)
class Fault:
    """What is to break, when, and for how long."""

    kind: str
    """Of `lab.faults.kinds`."""
    node: str
    network: str | None = None
    """The link's; None for a fault of a whole node."""
    loss_pct: float | None = None
    """Of a kind that loses a share of packets."""
    at_s: float | None = None
    """Since the voice of a call began; None for a fault by hand."""
    for_s: float | None = None
    """None: until it is ended by hand, or the call is over."""

    @property
    def place(self) -> str:
        """What breaks."""
        return place_of(self.node, self.network)

    @property
    def words(self) -> str:
        """As it is written, without its times."""
        share = None if self.loss_pct is None else f"{self.loss_pct:g}%"
        return " ".join(word for word in (self.kind, self.node, self.network, share) if word)

    def __str__(self) -> str:
        """As `lab.faults.notation` reads it."""
        when = "" if self.at_s is None else f"{format_moment(self.at_s)} "
        lasts = "" if self.for_s is None else f" for {format_moment(self.for_s)}"
        return f"{when}{self.words}{lasts}"
