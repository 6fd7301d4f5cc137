"""Whether PESQ depends on which relays a call crossed, where, and how much they are used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from scipy import stats

from lab.measure.record import CallRecord
from lab.measure.statistics import Interval, mean_interval
from lab.report.scenarios import as_out_there
from lab.report.selection import hops_of, valid_ones
from lab.sweep.point import Point

POSITIONS = ("guard", "middle", "exit")
USE = "use"
LEAST_CALLS = 5
"""A relay with fewer calls at a position enters no test there: Kruskal and Wallis's statistic has
its distribution from about five values a group on."""
LEAST_RELAYS = 5
"""Fewer say nothing of a rank correlation."""
LEVEL = 0.05
"""Of all tests together."""


@dataclass(frozen=True, slots=True)
class RelayCalls:
    """The valid calls that crossed one relay at one position."""

    relay: str
    position: str
    mos: Interval
    """At the callee."""
    adjusted_mos: tuple[float, ...]
    """Each call's PESQ less the mean of the calls of its kind: by method, hops and who is
    anonymous, which are no property of a relay."""


@dataclass(frozen=True, slots=True)
class Dependence:
    """A test of it; None where there are too few calls for it."""

    of: str
    """A position, or `use`."""
    groups: int
    """Relays that enter ..."""
    calls: int
    """... with so many calls."""
    statistic: float | None
    p: float | None
    tests: int
    """How many tests share the level."""

    @property
    def depends(self) -> bool | None:
        """Whether dependence is seen at `LEVEL`, shared by all tests (Bonferroni)."""
        return None if self.p is None else self.p < LEVEL / self.tests


@dataclass(frozen=True, slots=True)
class Relays:
    """Relays by position, those most used first, and the tests."""

    rows: tuple[RelayCalls, ...]
    uses: Mapping[str, int]
    """Relay → valid calls that crossed it, anywhere."""
    tests: tuple[Dependence, ...]
    """Kruskal-Wallis over the relays of each position, and Spearman's rank correlation of a
    relay's mean with its uses."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def relays(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[Relays, ...]:
    """Relays of the callers' circuits, of calls as out there; nothing where there are none."""
    known = {point.point_id for point in as_out_there(points, calls)}
    crossed = [
        (call, call.circuit.split(), call.callee_pesq_mos)
        for call in valid_ones(calls)
        if call.point_id in known and call.circuit and call.callee_pesq_mos is not None
    ]
    if not crossed:
        return ()
    by_kind: dict[Hashable, list[float]] = {}
    for call, _, mos in crossed:
        by_kind.setdefault(_kind(call), []).append(mos)
    means = {kind: fmean(values) for kind, values in by_kind.items()}
    plain: dict[tuple[str, str], list[float]] = {}
    adjusted: dict[tuple[str, str], list[float]] = {}
    for call, path, mos in crossed:
        for position, relay in zip(_positions(len(path)), path, strict=True):
            plain.setdefault((relay, position), []).append(mos)
            adjusted.setdefault((relay, position), []).append(mos - means[_kind(call)])
    uses = Counter(relay for _, path, _ in crossed for relay in dict.fromkeys(path))
    rows = tuple(
        RelayCalls(relay, position, mean_interval(plain[found]), tuple(adjusted[found]))
        for position in POSITIONS
        for relay, _ in uses.most_common()
        if (found := (relay, position)) in plain
    )
    return (Relays(rows, dict(uses.most_common()), _tests(rows, uses)),)


def _kind(call: CallRecord) -> Hashable:
    return call.method, hops_of(call), call.anonymous


def _positions(hops: int) -> list[str]:
    """Of the relays of a circuit, in order."""
    guard, middle, last = POSITIONS
    return [guard, *[middle] * (hops - 2), last] if hops > 1 else [last]


def _tests(rows: Sequence[RelayCalls], uses: Mapping[str, int]) -> tuple[Dependence, ...]:
    samples = {
        position: [
            row.adjusted_mos
            for row in rows
            if row.position == position and len(row.adjusted_mos) >= LEAST_CALLS
        ]
        for position in POSITIONS
    }
    tests = len(samples) + 1
    found = [_kruskal(position, groups, tests) for position, groups in samples.items()]
    return (*found, _spearman(rows, uses, tests))


def _kruskal(position: str, groups: Sequence[Sequence[float]], tests: int) -> Dependence:
    """Kruskal and Wallis (1952), over the relays of a position."""
    calls = sum(map(len, groups))
    if len(groups) < 2 or len({value for group in groups for value in group}) < 2:
        return Dependence(position, len(groups), calls, None, None, tests)
    result = stats.kruskal(*groups)
    found = float(result.statistic), float(result.pvalue)
    return Dependence(position, len(groups), calls, *found, tests)


def _spearman(rows: Sequence[RelayCalls], uses: Mapping[str, int], tests: int) -> Dependence:
    """Over relays with enough calls: how often each was crossed, and its mean adjusted PESQ."""
    means = {
        relay: fmean(value for row in rows if row.relay == relay for value in row.adjusted_mos)
        for relay, count in uses.items()
        if count >= LEAST_CALLS
    }
    counts = [uses[relay] for relay in means]
    if len(means) < LEAST_RELAYS or len(set(counts)) < 2 or len(set(means.values())) < 2:
        return Dependence(USE, len(means), sum(counts), None, None, tests)
    result = stats.spearmanr(counts, list(means.values()))
    found = float(result.statistic), float(result.pvalue)
    return Dependence(USE, len(means), sum(counts), *found, tests)
