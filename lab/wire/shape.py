"""What a link does to the packets of one direction. Pure values.

From the packet's side: queue, cap, and behind it the way, which takes time and may lose it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Any, TypeVar

T = TypeVar("T")

DEFAULT_QUEUE_PACKETS = 200
"""Room for two packets of each of 100 flows, as in the first measurements (docs/measured.md)."""


OPEN_WAY = "not shaped"
"""A way that takes no time and loses nothing."""
MAX_DELAYED_SIDES = 64
"""Directions of links of one machine that its delay line has room for (`MAX_PIPES` there)."""


class ShapingError(Exception):
    """A link is not shaped as it was asked to be, or as the lab does; the message says how."""


def format_rate(rate_kbps: int) -> str:
    """The shortest exact way to write a rate: 100000 is `100mbit`, 1500 is `1500kbit`."""
    for unit, per_unit in (("gbit", 1_000_000), ("mbit", 1_000)):
        if rate_kbps % per_unit == 0:
            return f"{rate_kbps // per_unit}{unit}"
    return f"{rate_kbps}kbit"


class Direction(StrEnum):
    """Which packets of a link are meant, as its node sees them."""

    OUT = "out"
    """What the node sends."""
    IN = "in"
    """What the node receives."""


def delay_device(interface: str, direction: Direction) -> str:
    """The TAP device through which one direction of a link goes while it takes time."""
    return f"delay-{direction}-{interface}"


class ShaperKind(StrEnum):
    """The queueing disciplines that can cap a rate."""

    HTB = "htb"
    TBF = "tbf"


class FifoKind(StrEnum):
    """What the length of the queue behind a cap counts."""

    PFIFO = "pfifo"
    """Packets."""
    BFIFO = "bfifo"
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue of a capped link; what finds it full is dropped."""

    kind: ShaperKind = ShaperKind.HTB
    fifo: FifoKind = FifoKind.PFIFO
    limit: int = DEFAULT_QUEUE_PACKETS
    """Packets of a pfifo, bytes of a bfifo."""

    def __str__(self) -> str:
        unit = "packets" if self.fifo is FifoKind.PFIFO else "bytes"
        return f"{self.kind} {self.fifo} {self.limit} {unit}"


DEFAULT_QUEUE = Queue()


class Distribution(StrEnum):
    """How delays scatter; each with the same standard deviation, the jitter."""

    UNIFORM = "uniform"
    """Equally likely within the square root of 3 times the jitter, shorter or longer."""
    NORMAL = "normal"
    PARETO = "pareto"
    """Only longer, with a heavy tail: Pareto's of shape 3, from 0."""


@dataclass(frozen=True, slots=True)
class Way:
    """How much longer packets to some addresses take."""

    to: IPv4Network
    delay_ms: float


@dataclass(frozen=True, slots=True)
class Shape:
    """One direction of a link."""

    rate_kbps: int | None = None
    """The cap at Ethernet level (header included, no preamble or FCS); None is uncapped."""
    queue: Queue = DEFAULT_QUEUE
    """The default one where there is no cap, and so no queue."""
    delay_ms: float = 0.0
    """How long the way behind the cap takes."""
    jitter_ms: float = 0.0
    """Standard deviation of the delay."""
    distribution: Distribution = Distribution.NORMAL
    """The default one where there is no jitter."""
    loss_pct: float = 0.0
    """Lost at random on the way."""
    reorders: bool = False
    """Whether a packet whose delay is short may pass another one."""
    ways: tuple[Way, ...] = ()
    """What comes to `delay_ms` by destination; of those that fit, the narrowest."""

    def __post_init__(self) -> None:
        if self.rate_kbps is None:
            object.__setattr__(self, "queue", DEFAULT_QUEUE)
        if not self.jitter_ms:
            object.__setattr__(self, "distribution", Distribution.NORMAL)
        object.__setattr__(self, "ways", tuple(sorted(self.ways, key=lambda way: way.to)))

    @property
    def takes_time(self) -> bool:
        """Whether there is more to it than cap and queue."""
        return bool(self.delay_ms or self.jitter_ms or self.loss_pct or self.ways)

    @property
    def is_open(self) -> bool:
        """Whether packets pass untouched."""
        return self.rate_kbps is None and not self.takes_time

    @property
    def plain(self) -> dict[str, Any] | None:
        """The shape as users' JSON has it; None is a link that is not shaped."""
        if self.is_open:
            return None
        ways = {str(way.to): way.delay_ms for way in self.ways}
        return asdict(self) | ({"queue": None} if self.rate_kbps is None else {}) | {"ways": ways}

    @property
    def way(self) -> str:
        """What lies behind the cap, in words."""
        parts = [f"delay {self.delay_ms:g} ms"] if self.delay_ms else []
        parts += [f"jitter {self.jitter_ms:g} ms {self.distribution}"] if self.jitter_ms else []
        parts += [f"loss {self.loss_pct:g} %"] if self.loss_pct else []
        parts += ["reorders"] if self.reorders else []
        if self.ways:
            delays = [way.delay_ms for way in self.ways]
            parts += [f"{len(delays)} distances of {min(delays):.3g} to {max(delays):.3g} ms"]
        return ", ".join(parts) or OPEN_WAY

    def __str__(self) -> str:
        if self.rate_kbps is None:
            return self.way
        capped = f"{format_rate(self.rate_kbps)}, {self.queue}"
        return f"{capped}, {self.way}" if self.takes_time else capped


@dataclass(frozen=True, slots=True)
class ShapeChange:
    """What is to become of one direction of a link; what is None stays as it is."""

    rate_kbps: int | None = None
    uncapped: bool = False
    """Whether the cap is taken off, and its queue with it."""
    kind: ShaperKind | None = None
    fifo: FifoKind | None = None
    limit: int | None = None
    delay_ms: float | None = None
    jitter_ms: float | None = None
    distribution: Distribution | None = None
    loss_pct: float | None = None
    reorders: bool | None = None

    @property
    def takes_time(self) -> bool:
        """Whether the direction takes time afterwards, for what is named here."""
        return bool(self.delay_ms or self.jitter_ms or self.loss_pct)

    def of(self, shape: Shape) -> Shape:
        """`shape` with the change made; ValueError where a queue would be left without a rate."""
        rate_kbps = None if self.uncapped else _first(self.rate_kbps, shape.rate_kbps)
        if rate_kbps is None and (self.kind or self.fifo or self.limit):
            raise ValueError("a queue needs a rate, and this direction of the link has none")
        queue = Queue(
            _first(self.kind, shape.queue.kind),
            _first(self.fifo, shape.queue.fifo),
            _first(self.limit, shape.queue.limit),
        )
        return Shape(
            rate_kbps,
            queue,
            delay_ms=_first(self.delay_ms, shape.delay_ms),
            jitter_ms=_first(self.jitter_ms, shape.jitter_ms),
            distribution=_first(self.distribution, shape.distribution),
            loss_pct=_first(self.loss_pct, shape.loss_pct),
            reorders=_first(self.reorders, shape.reorders),
            ways=shape.ways,
        )


def _first(wanted: T | None, present: T) -> T:
    return present if wanted is None else wanted
