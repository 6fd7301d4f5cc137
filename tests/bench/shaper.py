"""Does a cap hold what it says? TCP goodput and UDP rate against the cap, per rate and shaper.

Two hosts are made as nodes of a lab are, one link between them is capped, and one TCP connection
or too many datagrams are sent through it. Compared in the same run: the payload that arrived,
and what the cap leaves of it after Ethernet, IP and TCP or UDP headers (segments of 1448 bytes
with timestamps in frames of 1514; 1000 bytes of payload in frames of 1042).

    python tests/bench/shaper.py [--seconds 6] [--rates 2000,5000,10000,100000]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from two_hosts import TwoHosts, two_hosts

from lab.engine.client import connect
from lab.wire.shape import Direction, FifoKind, Queue, Shape, ShaperKind

RATES_KBPS = (2_000, 5_000, 10_000, 100_000)
TCP_SHARE = 1448 / 1514
UDP_PAYLOAD_BYTES = 1000
UDP_SHARE = UDP_PAYLOAD_BYTES / (UDP_PAYLOAD_BYTES + 42)
OVERLOAD = 1.3
SETTLE_S = 2.0
VARIANTS: tuple[tuple[Direction, Queue], ...] = (
    (Direction.OUT, Queue()),
    (Direction.OUT, Queue(ShaperKind.TBF, FifoKind.BFIFO, 60_000)),
    (Direction.IN, Queue()),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One cap, measured."""

    direction: Direction
    queue: Queue
    rate_kbps: int
    protocol: str
    payload_kbps: float
    expected_kbps: float

    @property
    def ratio(self) -> float:
        """Measured against what the headers allow."""
        return self.payload_kbps / self.expected_kbps


def measure(
    hosts: TwoHosts,
    direction: Direction,
    queue: Queue,
    rate_kbps: int,
    seconds: float,
    delay_ms: float = 0.0,
) -> Iterator[Row]:
    """TCP and UDP through one cap, behind which the way takes so long."""
    hosts.shape(direction, Shape(rate_kbps, queue, delay_ms=delay_ms))
    tcp_kbps = hosts.tcp_kbps(SETTLE_S, seconds)
    yield Row(direction, queue, rate_kbps, "TCP", tcp_kbps, rate_kbps * TCP_SHARE)
    offered_kbps = int(rate_kbps * OVERLOAD)
    udp_kbps = hosts.udp_kbps(UDP_PAYLOAD_BYTES, offered_kbps, SETTLE_S, seconds)
    yield Row(direction, queue, rate_kbps, "UDP", udp_kbps, rate_kbps * UDP_SHARE)
    hosts.shape(direction, Shape())


def table(rows: Iterable[Row]) -> Iterator[str]:
    """The rows as text."""
    yield "cap kbit/s  direction  queue                      payload kbit/s  expected   ratio"
    for row in rows:
        yield (
            f"{row.rate_kbps:>10}  {row.direction:<9}  {row.queue!s:<25}  {row.protocol} "
            f"{row.payload_kbps:>10.1f}  {row.expected_kbps:>8.1f}  {row.ratio:.4f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rates", default=",".join(map(str, RATES_KBPS)))
    options = parser.parse_args()
    client = connect()
    with two_hosts(client) as hosts:
        rows = [
            row
            for direction, queue in VARIANTS
            for rate_kbps in map(int, options.rates.split(","))
            for row in measure(hosts, direction, queue, rate_kbps, options.seconds)
        ]
    print("\n".join(table(rows)))
    worst = max(rows, key=lambda row: abs(row.ratio - 1))
    print(f"farthest from 1: {worst.ratio:.4f} ({len(rows)} measurements)")


if __name__ == "__main__":
    main()
