"""What a link does to the packets of one direction: rate, queue, delay, loss. Pure values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

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
    """Without effect where there is no cap."""
    delay_ms: float = 0.0
    """Added before the queue."""
    loss_pct: float = 0.0
    """Dropped at random before the queue."""

    @property
    def is_open(self) -> bool:
        """Whether packets pass untouched."""
        return self.rate_kbps is None and not self.delay_ms and not self.loss_pct

    def to_spec(self) -> dict[str, Any] | None:
        """The shape as `lab.agents.net.qdiscs` takes it; None is a link that is not shaped."""
        if self.is_open:
            return None
        return asdict(self) | ({"queue": None} if self.rate_kbps is None else {})

    def __str__(self) -> str:
        parts = [f"{format_rate(self.rate_kbps)}, {self.queue}"] if self.rate_kbps else []
        parts += [f"delay {self.delay_ms:g} ms"] if self.delay_ms else []
        parts += [f"loss {self.loss_pct:g} %"] if self.loss_pct else []
        return ", ".join(parts) or "not shaped"


def shape_from(spec: dict[str, Any] | None) -> Shape:
    """The shape that `lab.agents.net.qdiscs` reported; ValueError for queues not of the lab."""
    if spec is None:
        return Shape()
    queue = spec["queue"] and Queue(
        ShaperKind(spec["queue"]["kind"]), FifoKind(spec["queue"]["fifo"]), spec["queue"]["limit"]
    )
    return Shape(spec["rate_kbps"], queue or DEFAULT_QUEUE, spec["delay_ms"], spec["loss_pct"])
