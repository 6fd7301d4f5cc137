"""What was watched around a call while it lasted: links and competing traffic."""

from __future__ import annotations

from dataclasses import dataclass

from lab.wire.links import DelayCounts, LinkSample
from lab.wire.load import LoadReport
from lab.wire.shape import Shape


@dataclass(frozen=True, slots=True)
class LinkWatch:
    """One direction of a link while it was watched."""

    point: str
    """node/network/direction."""
    shape: Shape
    """What was in force when the watch began."""
    samples: tuple[LinkSample, ...]
    shape_after: Shape | None = None
    """What was in force when it ended; None where nobody looked."""

    @property
    def rate_kbps(self) -> float | None:
        """What passed the cap, mean over the watch, at Ethernet level."""
        first, last = self.samples[0], self.samples[-1]
        if last.at <= first.at:
            return None
        return (last.bytes - first.bytes) * 8 / 1000 / (last.at - first.at)

    @property
    def drops(self) -> int:
        """Packets dropped during the watch."""
        return self.samples[-1].drops - self.samples[0].drops

    @property
    def overlimits(self) -> int:
        """How often the cap held a packet back during the watch."""
        return self.samples[-1].overlimits - self.samples[0].overlimits

    @property
    def busy_share(self) -> float:
        """Share of the samples in which packets waited at the cap."""
        return sum(sample.backlog_packets > 0 for sample in self.samples) / len(self.samples)


@dataclass(frozen=True, slots=True)
class DelayWatch:
    """One direction of a link that takes time, before and after the ends talked."""

    point: str
    """node/network/direction."""
    shape: Shape
    """What was asked for."""
    before: DelayCounts
    after: DelayCounts | None = None
    """None where its delay line did not answer any more."""
    shape_after: Shape | None = None
    """What was in force then; None where it did not answer."""

    @property
    def machine(self) -> str:
        """Beside which its delay line runs."""
        return self.point.partition("/")[0]


@dataclass(frozen=True, slots=True)
class LoadWatch:
    """The competing traffic of a call."""

    kind: str
    count: int
    through: str
    """Whether it went through `tor` or `direct`."""
    direction: str
    """`down`, from the server towards the caller's side, or `up`."""
    circuit: tuple[str, ...]
    """The relays that every stream's circuit crossed; empty: tor chose."""
    died_before: int
    """Streams that had ended by themselves before the call began."""
    report: LoadReport
    """What was seen during the call."""
