"""Bursts: how packets of a stream arrive together, which is what waiting on the way makes of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from lab.measure.pcap import Ints

WITHIN_NS = 4_000_000
"""A packet that arrives no later than this after the one before is of the same burst."""


@dataclass(frozen=True, slots=True)
class Bursts:
    """How the packets of one stream arrived."""

    mean: float
    """Packets per burst; 1 where every packet came by itself."""
    p95: float
    """Packets in a burst, 95th percentile over bursts, between two of them by their distance."""
    gap_ms_p50: float | None
    """Median time from the first packet of a burst to that of the next; None of one burst."""
    share: float
    """Share of the packets that came in bursts of two or more."""

    def to_dict(self) -> dict[str, float | None]:
        """The values by name."""
        return asdict(self)


def jitter_of_bursts_ms(mean: float, ptime_ms: float) -> float:
    """The jitter (RFC 3550) of packets sent every `ptime_ms` that arrive in steady bursts.

    In bursts of b packets the transit time grows by (b - 1) steps of T at once and shrinks by one
    with each of the others: the mean of its changes, |D|, is 2 T (b - 1) / b.
    """
    return 2 * ptime_ms * (mean - 1) / mean


def first_packets(arrival_ns: Ints) -> Ints:
    """Which packets begin a burst, of packets that arrived at these times, ascending.

    A burst is a maximal run of packets each within `WITHIN_NS` of the one before.
    """
    alone = np.diff(arrival_ns) > WITHIN_NS
    return np.flatnonzero(np.concatenate([[len(arrival_ns) > 0], alone]))


def bursts(arrival_ns: Ints) -> Bursts | None:
    """The bursts of packets that arrived at these times, in order of arrival; None of none."""
    if not len(arrival_ns):
        return None
    begins = first_packets(arrival_ns)
    sizes = np.diff(np.append(begins, len(arrival_ns)))
    gaps_ms = np.diff(arrival_ns[begins]) / 1e6
    return Bursts(
        mean=float(sizes.mean()),
        p95=float(np.percentile(sizes, 95)),
        gap_ms_p50=float(np.median(gaps_ms)) if len(gaps_ms) else None,
        share=float(sizes[sizes > 1].sum() / len(arrival_ns)),
    )
