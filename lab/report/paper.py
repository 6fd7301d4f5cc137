"""The figures of both studies that reports print beside the lab's own.

They are printed and compared with, and enter no computation of a result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class AppRow:
    """Calls by a popular app through the public Tor network."""

    name: str
    how: str
    """By what it came through."""
    pesq: Figure
    """Mean."""
    above_3_pct: Figure
    """Share of calls."""


POPULAR_APPS = (
    AppRow("Telegram", "its media forced onto TCP", Figure("3.8", 3.8), Figure("85", 85)),
    AppRow("Skype", "inside OpenVPN", Figure("3.54", 3.54), Figure("80", 80)),
)


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

ALL_GOOD = Figure("> 85 %", 85, "above")
"""Share of all the first study's calls through the public Tor network with a good PESQ."""
SECOND_GOOD = Figure("16 %", 16)
"""The second study: share of its calls with a PESQ above 3."""


@dataclass(frozen=True, slots=True)
class StudyCorner:
    """A study's share of good calls, and by which rule it is one."""

    study: str
    good: Figure
    """Per cent of its calls."""
    asks_for_delay: bool
    """Whether a good call has a short delay, or a PESQ above 3 alone."""
    header_as_audio: bool
    """Whether PESQ is scored as the second study's program did."""


CORNERS = {
    "road": StudyCorner(STUDY, ALL_GOOD, asks_for_delay=True, header_as_audio=False),
    "choppy": StudyCorner(SECOND_STUDY, SECOND_GOOD, asks_for_delay=False, header_as_audio=True),
}
"""Name of an experiment's corner → the study whose settings it has."""
FROM_CORNER, TO_CORNER = CORNERS
"""Between which a waterfall is drawn."""

TOR_DELAY_MS = Figure("217-280", 248.5, "range", 31.5)
"""Sections 4.2 to 6: mean one-way delays over the public Tor network, one end behind it."""
BOTH_HIDDEN_DELAY_MS = Figure("396-458", 427, "range", 31)
"""The same with both ends behind it: two hops and three."""
SIX_HOPS_SYSTEM = "Phonion"
"""Prior work that the first study compares itself with: Tor with six hops in all."""
SIX_HOPS_PESQ = Figure("2.4", 2.4)
SIX_HOPS_DELAY_MS = Figure("777", 777)
TOR_JITTER_MS = Figure("≈ 24", 24)
"""Mean jitter there, of calls of 2 and 4 minutes."""
SECOND_JITTER_MS = {"caller": Figure("27", 27), "callee": Figure("31.5", 31.5)}
"""The second study's sample: median over its calls through Tor of their mean jitter, by end."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Means of calls through the public Tor network; None: not stated."""

    pesq: Figure | None
    delay_ms: Figure | None
    above_3_pct: Figure | None = None
    good_pct: Figure | None = None
    below_2_pct: Figure | None = None
    below_ms_pct: Mapping[int, Figure] = field(default_factory=dict)
    """Share of calls with a one-way delay below so many ms."""


SCENARIOS = {
    ("v-tor", False, 3, True): Scenario(Figure("3.88", 3.88), Figure("217", 217), Figure("93", 93)),
    ("v-tor", False, 2, True): Scenario(Figure("3.90", 3.90), Figure("205", 205)),
    ("v-tor", False, 3, False): Scenario(Figure("3.81", 3.81), Figure("270", 270)),
    ("v-tor", False, 2, False): Scenario(Figure("3.91", 3.91), Figure("210", 210)),
    ("v-tor", True, 3, False): Scenario(Figure("3.2", 3.2), Figure("458", 458), Figure("81", 81)),
    ("v-tor", True, 2, False): Scenario(None, Figure("396", 396)),
    ("m-tor", True, 3, False): Scenario(Figure("3.8", 3.8), None, Figure("85", 85)),
}
"""Scenarios I (the server stands with the callee), II (it stands apart) and III (both ends are
anonymous), sections 4.2 to 6: means by method, whether both ends are anonymous, hops of each
circuit, and whether the server stands with the callee."""


def scenario(method: str, both: bool, hops: int, colocated: bool = False) -> Scenario | None:
    """What the paper has of such calls; None where it has nothing."""
    return SCENARIOS.get((method, both, hops, colocated))


ALL_CALLS = Scenario(
    None,
    None,
    good_pct=ALL_GOOD,
    below_2_pct=Figure("8", 8),
    below_ms_pct={150: Figure("28", 28), 300: Figure("> 80", 80, "above")},
)
"""All of its calls through the public Tor network together."""
OFFERING_PCT = Figure("90.6", 90.6)
"""Share of circuits on which its iperf found more than 1 Mbit/s, per cent ..."""
OFFERED_GOOD_PCT = Figure("95", 95)
"""... and of these the share whose calls were good."""
CALLS_BY_PESQ = {(1, 2): 6_000, (2, 3): 22_000, (3, 4): 162_000, (4, 5): 259_000}
"""Table 5: of these, how many calls had a PESQ between two values."""


BRIDGES_PESQ = Figure("3.7", 3.7)
"""Mean PESQ of calls that enter the public Tor network by a bridge ..."""
BRIDGES_GOOD = Figure("85", 85)
"""... and the share of them that is good, per cent."""
BRIDGED = Scenario(BRIDGES_PESQ, None, good_pct=BRIDGES_GOOD)
"""The same as of a scenario; the paper does not say which method and how many hops."""
