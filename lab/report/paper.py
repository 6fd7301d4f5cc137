"""The figures of both studies that reports print beside the lab's own.

They are printed and compared with, and enter no computation of a result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

STUDY = "The Road Not Taken (2020)"
SECOND_STUDY = "Tor Turns Talk Choppy"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as the paper states it."""

    text: str
    """As printed there: `84`, `≈ 3.4`, `> 4.2`."""
    value: float
    """The middle of a range."""
    kind: Literal["about", "above", "below", "range"] = "about"
    reach: float = 0.0
    """How far a range goes to either side of its middle."""


@dataclass(frozen=True, slots=True)
class BandwidthRow:
    """A row of Table 1."""

    system: str
    kbps: Figure


TABLE_1 = (
    BandwidthRow("direct SIP", Figure("84", 84)),
    BandwidthRow("SIP via VPN", Figure("≈ 108", 108)),
    BandwidthRow("V-Tor", Figure("≈ 120", 120)),
    BandwidthRow("direct Mumble", Figure("50-60", 55, "range", 5)),
    BandwidthRow("M-Tor", Figure("70-80", 75, "range", 5)),
)
"""Bandwidth one call needs, kbit/s."""


BASELINE_PESQ = Figure("4.5", 4.5)
"""Section 4.1: mean of 100 calls on a 100 Mbit/s link, alike for all systems."""
BASELINE_DELAY_MS = Figure("< 50", 50, "below")
"""Section 4.1: one-way delay of the same calls."""


@dataclass(frozen=True, slots=True)
class ContentionRow:
    """A row of Table 2 or 3."""

    above: float
    below: float | None
    """The row speaks of counts between these, both left out; None where it has no end."""
    streams: str
    """As printed there."""
    available_kbps: Figure
    pesq: Figure

    def covers(self, count: float) -> bool:
        """Whether the row speaks of that many streams."""
        return self.above < count and (self.below is None or count < self.below)


@dataclass(frozen=True, slots=True)
class ContentionTable:
    """Table 2 or 3: V-Tor on a shared link."""

    number: int
    rate_kbps: int
    """The link the rows were printed for; others behaved alike."""
    rows: tuple[ContentionRow, ...]

    def row(self, count: int, rate_kbps: int) -> ContentionRow | None:
        """The row that speaks of `count` streams on a link of that rate.

        On another link it is the number of streams with the same share of the link.
        """
        alike = count * self.rate_kbps / rate_kbps
        return next((row for row in self.rows if row.covers(alike)), None)


def _above(value: float) -> Figure:
    return Figure(f"> {value:g}", value, "above")


def _below(value: float) -> Figure:
    return Figure(f"< {value:g}", value, "below")


TABLE_2 = ContentionTable(
    2,
    10_000,
    (
        ContentionRow(-1, 75, "< 75", _above(133), _above(4.2)),
        ContentionRow(79.5, 80.5, "80", Figure("125", 125), Figure("≈ 3.4", 3.4)),
        ContentionRow(85, None, "> 85", _below(117), _below(2.3)),
    ),
)
TABLE_3 = ContentionTable(
    3,
    5_000,
    (
        ContentionRow(-1, 35, "< 35", _above(145), _above(4.2)),
        ContentionRow(39.5, 43.5, "40-43", Figure("128", 128), Figure("≈ 3.3", 3.3)),
        ContentionRow(43.5, None, "> 43", _below(120), _below(2.3)),
    ),
)
ENCODER_MOS = {200: 3.6, 400: 3.2, 800: 3.0}
"""Appendix A: mean PESQ over the public Tor network by the encoder's rate, kbit/s."""

CONTENTION = {table.number: table for table in (TABLE_2, TABLE_3)}

GOOD_PESQ = 3.0
"""Section 3.2: a good call has a PESQ above this ..."""
GOOD_DELAY_MS = 400.0
"""... and a one-way delay below this."""

TOR_DELAY_MS = Figure("217-280", 248.5, "range", 31.5)
"""Sections 4.2 to 6: mean one-way delays over the public Tor network, one end behind it."""
TOR_JITTER_MS = Figure("≈ 24", 24)
"""Mean jitter there, of calls of 2 and 4 minutes."""
SECOND_JITTER_MS = {"caller": Figure("27", 27), "callee": Figure("31.5", 31.5)}
"""The second study's sample: median over its calls through Tor of their mean jitter, by end."""
