"""What was watched around a call: links and competing traffic, and what its way had left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.measure.host_load import CpuTimes
from lab.wire.bridges import OBFS4PROXY, BridgeSeen
from lab.wire.circuits import CircuitState, EntrySeen
from lab.wire.clock import Exchange
from lab.wire.faults import place_of
from lab.wire.links import DelayCounts, LinkSample
from lab.wire.load import LoadReport
from lab.wire.shape import Shape
from lab.wire.tor_network import BridgePort


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
class HostWatch:
    """A host of the lab other than the one that made the call, before and after the ends talked."""

    host: str
    clock: str
    """What its clock is called, see `CallNotes.clocks`."""
    before: tuple[Exchange, ...]
    """Of its clock with this host's; empty where none was answered."""
    after: tuple[Exchange, ...]
    processors: tuple[CpuTimes, CpuTimes] | None = None
    """None where it told nothing any more."""


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
class FaultWatch:
    """A fault during a call: one that the call asked for, or what somebody else broke."""

    kind: str
    """As `lab fault` calls it: down, loss, kill, pause."""
    past: str
    """What is said of what has it: `down`."""
    node: str
    network: str | None
    """The link's; None for a fault of a whole node."""
    loss_pct: float | None
    """Of a link that loses a share of its packets."""
    asked_at_s: float | None
    """When it was to begin, since the voice began; None where the call did not ask for it."""
    asked_for_s: float | None
    """How long it was to last; None: to the end of the call."""
    began_at: float | None = None
    """Unix seconds; None where it never came to that."""
    ended_at: float | None = None
    """None where it went on after the call."""
    lost: int | None = None
    """Packets that the link lost of it, either way."""
    failure: str | None = None
    """Why it did not come, or not end, as asked."""
    by: str | None = None
    """Of a link's fault that the call did not ask for: `hand`, or the call that did."""

    @property
    def place(self) -> str:
        """What broke."""
        return place_of(self.node, self.network)


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
    circuits: tuple[tuple[tuple[str, ...], ...], ...] = ()
    """Of users with circuits of their own: the relays of those that each takes in turn."""


@dataclass(frozen=True, slots=True)
class AvailableWatch:
    """What iperf3 got through the way of a call when the call was over."""

    down_kbps: float | None = None
    """From the server to the caller; None where it was not measured."""
    up_kbps: float | None = None
    program: str | None = None
    """iperf3, as it calls itself."""
    reason: str | None = None
    """Why a direction was not measured."""
    circuit: CircuitState | None = None
    """The caller's, read after it; None for a call without, and where nothing was measured."""


@dataclass(slots=True)
class EntryWatch:
    """How one end's client entered the Tor network by a bridge, before and after they talked."""

    end: str
    """`caller` or `callee`."""
    bridge: str
    """The node."""
    port: BridgePort
    home: IPv4Address
    """The address of the client's machine."""
    relays: Mapping[str, tuple[IPv4Address, ...]]
    """Relay of the consensus → all addresses of its machine: none may be spoken to."""
    client_before: EntrySeen
    bridge_before: BridgeSeen
    client_after: EntrySeen | None = None
    """None where it did not tell any more."""
    bridge_after: BridgeSeen | None = None

    @property
    def broken(self) -> str | None:
        """What obfuscated at either end and ended meanwhile, as a sentence; None where none did."""
        ends = (
            (self.end, self.client_before, self.client_after),
            (self.bridge, self.bridge_before, self.bridge_after),
        )
        lost = [
            f"{OBFS4PROXY} at {name} ended during the call"
            for name, before, after in ends
            if after is not None and set(before.obfs4proxies) - set(after.obfs4proxies)
        ]
        return "; ".join(lost) or None
