"""One point of an experiment: everything that is the same for all calls made there."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from lab.calls.methods import METHODS
from lab.topology.units import format_duration
from lab.wire.playout import FIXED, Playout, parse_playout
from lab.wire.shape import format_rate

Placement = Literal["server", "access", "relay", "exit", "router"]
Direction = Literal["to-callee", "to-caller"]
Through = Literal["tor", "direct"]


@dataclass(frozen=True, slots=True)
class Point:
    """How calls are made at this point, and against what."""

    method: str
    codec: str = "PCMU"
    bitrate_kbps: int | None = None
    """Of the codec; None is its usual one, or its only one."""
    ptime_ms: int | None = None
    """Voice in a packet; None is the codec's usual packetisation."""
    duration_s: int | None = None
    """How long both ends play; None is the clip once."""
    playout: str | None = None
    """The buffer before the ear, as `lab.wire.playout` writes it; None is the usual one."""
    direction: Direction = "to-callee"
    """Which way the voice flows that is scored, and with it the competing traffic."""
    rate_kbps: int | None = None
    """The cap on the shared link, at Ethernet level; None leaves the topology's own rates."""
    placement: Placement | None = None
    """Where the cap sits; None where there is none."""
    queue_packets: int | None = None
    """Length of the queue at the cap; None where there is none."""
    load_kind: str = "none"
    """Of `lab.load.kinds`, or none."""
    load_count: int = 0
    load_through: Through | None = None
    """Whether competing traffic takes Tor as well; None where there is none."""
    cipher: str | None = None
    """OpenVPN's cipher; None leaves the topology's own."""
    digest: str | None = None

    @property
    def point_id(self) -> str:
        """The point's name, the same in every run: `v-tor.PCMU.to-caller.10mbit.server…`."""
        parts = [self.method, self.codec]
        if self.bitrate_kbps is not None:
            parts.append(format_rate(self.bitrate_kbps))
        if self.ptime_ms is not None:
            parts.append(f"{self.ptime_ms}ms")
        if self.duration_s is not None:
            parts.append(format_duration(self.duration_s))
        if self.playout is not None:
            parts.append(self.playout.replace(":", "-"))
        parts.append(self.direction)
        if self.rate_kbps is not None:
            parts += [format_rate(self.rate_kbps), f"{self.placement}", f"q{self.queue_packets}"]
        if self.load_kind != "none":
            parts.append(f"{self.load_kind}-{self.load_count}-{self.load_through}")
        if self.cipher is not None:
            parts.append(f"{self.cipher}-{self.digest}")
        return ".".join(parts)

    @property
    def playout_buffer(self) -> Playout:
        """The buffer before both ears."""
        return FIXED if self.playout is None else parse_playout(self.playout)

    @property
    def hearer(self) -> Literal["caller", "callee"]:
        """Whose recording is scored."""
        return "callee" if self.direction == "to-callee" else "caller"

    def normalised(self) -> Point:
        """The point without what has no effect there, so that equal points are equal."""
        method = METHODS.named(self.method)
        codec = method.codec(method.carried(self.codec))
        point = replace(self, codec=codec.name)
        if codec.bitrates_kbps is None or point.bitrate_kbps == codec.bitrate_kbps:
            point = replace(point, bitrate_kbps=None)
        if point.ptime_ms == codec.ptimes_ms[0]:
            point = replace(point, ptime_ms=None)
        if point.playout_buffer == FIXED:
            point = replace(point, playout=None)
        if point.rate_kbps is None:
            point = replace(point, placement=None, queue_packets=None)
        if point.load_kind == "none" or point.load_count == 0:
            point = replace(point, load_kind="none", load_count=0, load_through=None)
        return point

    def to_dict(self) -> dict[str, Any]:
        """Plain values, from which `Point(**values)` makes it again."""
        return asdict(self)
