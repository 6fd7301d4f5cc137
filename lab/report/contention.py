"""Tables 2 and 3: calls on a shared link, against more and more competing traffic."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.load.kind import LoadKind
from lab.load.kinds import LOAD_KINDS
from lab.measure.good_call import GOOD_MOS
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls, mean_interval
from lab.report.agreement import Agreement, compare
from lab.report.good_calls import good_share
from lab.report.paper import ContentionRow, ContentionTable
from lab.report.selection import by_point, mean_of, valid_ones
from lab.sweep.dimensions.direction import DIRECTION, TO_CALLER, hearer
from lab.sweep.dimensions.load import LOAD_COUNT, LOAD_KIND, LOAD_THROUGH, NONE, unloaded
from lab.sweep.dimensions.placement import PLACEMENT
from lab.sweep.dimensions.rate import RATE
from lab.sweep.point import Point

AT_SERVER = ("server", "router", "exit")
"""Placements where a call costs what it costs between exit and server."""


@dataclass(frozen=True, slots=True)
class Step:
    """The calls against one number of competing streams; means over valid calls."""

    count: int
    counts: Counts
    broken: int
    """Failed calls that had everything around them: the competitors ran, the link was capped."""
    share_kbps: float | None
    """The link divided by the streams, as the paper counts what is available per stream."""
    goodput_kbps: Interval
    """Payload that a competing stream got, mean over streams, during the call."""
    jain: Interval
    achieved_kbps: Interval
    """What the shared link carried, at Ethernet level."""
    mos: Interval
    """MOS-LQO at the scored end."""
    owd_ms_p50: Interval
    owd_ms_p95: Interval
    loss_pct: Interval
    good: Interval
    """Share of calls that are good as the paper means it: PESQ above 3, delay below 400 ms."""
    cost_kbps: Interval
    """What the call itself took of the shared link, at Ethernet level; against calls of its own
    kind each one's part of what the link carried."""
    paper: ContentionRow | None
    agreement: Agreement | None
    """Of PESQ with the paper's row; None where the paper says nothing of this count."""


@dataclass(frozen=True, slots=True)
class Cliff:
    """Where the mean PESQ falls below 3."""

    last_good: int | None
    """The largest count below the fall; None where the first count is bad already."""
    first_bad: int | None
    """The smallest count after which no mean is good; None where none is bad."""
    predicted: float | None
    """The link divided by what the call costs when it is alone, less the call itself.

    None against calls of another kind: they take less than an even share, or need more.
    """


@dataclass(frozen=True, slots=True)
class Curve:
    """What is the same for all steps, and the steps by count."""

    point: Point
    """With the load's kind and route, and a count of 0."""
    steps: tuple[Step, ...]
    cliff: Cliff

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"point": self.point.to_dict()}


def curves(
    points: Sequence[Point],
    calls: Sequence[CallRecord],
    paper: ContentionTable | None,
    told_elsewhere: Collection[Point] = (),
) -> tuple[Curve, ...]:
    """One curve per combination of everything but the count, in the points' order.

    A point without load begins every curve of the same link; on a capped link where there is
    none, it is one by itself, unless it is `told_elsewhere`.
    """
    made = by_point(calls)
    loaded = [point for point in points if point[LOAD_KIND] != NONE]
    families = dict.fromkeys(point.but(load_count=0) for point in loaded)
    begun = {unloaded(family) for family in families}
    families |= dict.fromkeys(
        point
        for point in points
        if point[LOAD_KIND] == NONE
        and point[RATE] is not None
        and point not in begun
        and point not in told_elsewhere
    )
    found = []
    for family in families:
        alone = unloaded(family)
        members = [
            point
            for point in points
            if point.but(load_count=0) == family or (point == alone and point != family)
        ]
        kind = kind_of(family)
        speaks = paper and family[RATE] and kind and kind.paper_table == paper.number
        steps = [
            _step(point, made[point.point_id], paper if speaks else None)
            for point in sorted(members, key=lambda point: point[LOAD_COUNT])
            if point.point_id in made
        ]
        if steps:
            found.append(Curve(family, tuple(steps), _cliff(family, steps)))
    return tuple(found)


def _step(point: Point, calls: Sequence[CallRecord], paper: ContentionTable | None) -> Step:
    valid = valid_ones(calls)
    end, count, rate_kbps = hearer(point), point[LOAD_COUNT], point[RATE]
    mos = mean_of(valid, f"{end}_pesq_mos")
    row = paper.row(count, rate_kbps) if paper is not None and rate_kbps is not None else None
    share = rate_kbps / count if rate_kbps is not None and count else None
    return Step(
        count=count,
        counts=count_calls(calls),
        broken=sum(call.status != "ok" and call.artefacts is not None for call in calls),
        share_kbps=share,
        goodput_kbps=mean_of(valid, "load_goodput_kbps_mean"),
        jain=mean_of(valid, "load_jain"),
        achieved_kbps=mean_of(valid, "rate_achieved_kbps"),
        mos=mos,
        owd_ms_p50=mean_of(valid, f"{end}_owd_ms_p50"),
        owd_ms_p95=mean_of(valid, f"{end}_owd_ms_p95"),
        loss_pct=mean_of(valid, f"{end}_loss_pct"),
        good=good_share(valid, [end]),
        cost_kbps=_cost(valid, point),
        paper=row,
        agreement=compare(row.pesq, mos) if row else None,
    )


def _cost(valid: Sequence[CallRecord], point: Point) -> Interval:
    if point[LOAD_COUNT] == 0 or _same_calls(point) != point.method:
        cost = mean_of(valid, _cost_column(point, at_server=point[PLACEMENT] in AT_SERVER))
        if cost.estimate is None and not any(call.circuit for call in valid):
            # Where caller and server share a network, a direct call's own link is its last hop.
            return mean_of(valid, _cost_column(point, at_server=False))
        return cost
    carried = [call.rate_achieved_kbps for call in valid if call.rate_achieved_kbps is not None]
    return mean_interval([kbps / (point[LOAD_COUNT] + 1) for kbps in carried])


def _cost_column(point: Point, *, at_server: bool) -> str:
    where = "exit" if at_server else "access"
    return f"kbps_{where}_eth" + ("_back" if point[DIRECTION] == TO_CALLER else "")


def _same_calls(point: Point) -> str | None:
    """The method that makes the same calls as the competitors do; None where they are none."""
    kind = kind_of(point)
    through = point[LOAD_THROUGH]
    return kind.same_calls.get(through) if kind and through else None


def kind_of(point: Point) -> LoadKind | None:
    """What competes with calls at a point; None for nothing, and for what this lab knows not."""
    return LOAD_KINDS.all.get(point[LOAD_KIND])


def _cliff(family: Point, steps: Sequence[Step]) -> Cliff:
    good = [step.count for step in steps if _is_good(step)]
    last_good = max(good, default=None)
    bad = [
        step.count for step in steps if step.count > (last_good or -1) and _is_good(step) is False
    ]
    alone = steps[0].cost_kbps.estimate if steps[0].count == 0 else None
    predicted = None
    rate_kbps = family[RATE]
    if alone and rate_kbps and _same_calls(family) in (None, family.method):
        predicted = rate_kbps / alone - 1
    return Cliff(last_good, min(bad, default=None), predicted)


def _is_good(step: Step) -> bool | None:
    """Whether calls are good there; calls that break to the last are not, None is not known."""
    if step.mos.estimate is not None:
        return step.mos.estimate >= GOOD_MOS
    return False if step.broken else None
