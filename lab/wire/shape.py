"""What a link does to the packets of one direction: rate, queue, delay, loss. Pure values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")

DEFAULT_QUEUE_PACKETS = 200
"""Room for two packets of each of 100 flows, as in the first measurements (FACTS.md)."""


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


@dataclass(frozen=True, slots=True)
class Shape:
    """One direction of a link."""

    rate_kbps: int | None = None
    """The cap at Ethernet level (header included, no preamble or FCS); None is uncapped."""
    queue: Queue = DEFAULT_QUEUE
    """The default one where there is no cap, and so no queue."""
    delay_ms: float = 0.0
    """Added before the queue."""
    loss_pct: float = 0.0
    """Dropped at random before the queue."""

    def __post_init__(self) -> None:
        if self.rate_kbps is None:
            object.__setattr__(self, "queue", DEFAULT_QUEUE)

    @property
    def is_open(self) -> bool:
        """Whether packets pass untouched."""
        return self.rate_kbps is None and not self.delay_ms and not self.loss_pct

    @property
    def plain(self) -> dict[str, Any] | None:
        """The shape as users' JSON has it; None is a link that is not shaped."""
        if self.is_open:
            return None
        return asdict(self) | ({"queue": None} if self.rate_kbps is None else {})

    def __str__(self) -> str:
        parts = [f"{format_rate(self.rate_kbps)}, {self.queue}"] if self.rate_kbps else []
        parts += [f"delay {self.delay_ms:g} ms"] if self.delay_ms else []
        parts += [f"loss {self.loss_pct:g} %"] if self.loss_pct else []
        return ", ".join(parts) or "not shaped"


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
    loss_pct: float | None = None

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
        delay_ms = _first(self.delay_ms, shape.delay_ms)
        return Shape(rate_kbps, queue, delay_ms, _first(self.loss_pct, shape.loss_pct))


def _first(wanted: T | None, present: T) -> T:
    return present if wanted is None else wanted
