"""Calls as out there, amid other traffic through Tor: the first study's scenarios.

Caller and callee stand in many places, which are not told apart here: a row is a method over
circuits of one length, of those who are anonymous, and of where the server stands.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from lab.calls.methods import METHODS
from lab.calls.needs import TOR_CLIENT
from lab.ends import BOTH, CALLEE, CALLER
from lab.measure.good_call import GOOD_MOS
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls, mean_interval, share_interval
from lab.report.bridges import BY_RELAYS, entry_of
from lab.report.good_calls import good_share
from lab.report.naming import told_apart, without
from lab.report.paper import ALL_CALLS, BRIDGED, Scenario, scenario
from lab.report.selection import by_point, hops_of, valid_ones
from lab.report.systems import position_of
from lab.sweep.dimension import Coordinate
from lab.sweep.dimensions.anonymous import ANONYMOUS
from lab.sweep.dimensions.hops import HOPS
from lab.sweep.dimensions.load import LOAD_KIND
from lab.sweep.dimensions.method import METHOD
from lab.sweep.point import Point, coordinates, dimensions_of
from lab.sweep.topology_key import PREFIX

BACKGROUND = "background"
"""The kind of load that stands for what others send through Tor."""
MOST_ROWS = 24
"""A run that varies so much else is told of by what each choice does, not by scenarios."""
BAD_PESQ = 2.0
HEARD_BY = (CALLEE, CALLER, BOTH)
"""The study recorded at the callee. Of `both` each call's figure is the mean of its two ends."""
ALL = "all through Tor"
WITH_CALLEE, APART = "with the callee", "apart"


@dataclass(frozen=True, slots=True)
class HeardBy:
    """What one end heard in valid calls; of `both` a share is of calls of which it holds at each
    end."""

    end: str
    mos: tuple[float, ...]
    """Of each call, ascending."""
    delays_ms: tuple[float, ...]
    """Each call's median one-way delay, ascending."""
    mean_mos: Interval
    mean_delay_ms: Interval
    above_3: Interval
    """Shares, 0 to 1, with Wilson's interval."""
    below_2: Interval
    good: Interval
    below_ms: dict[int, Interval]
    """By delay: the share of calls with a shorter one."""


@dataclass(frozen=True, slots=True)
class ScenarioCalls:
    """The calls of one row; means and shares over the valid ones."""

    method: str
    """Or `ALL`."""
    over_tor: bool
    hops: int | None
    """Of the caller's circuit; None without Tor, or where calls have different ones."""
    anonymous: str
    """`caller`, `both`, or `nobody`."""
    server: str | None
    """`with the callee`, in its city, or `apart`; None where the topology names no places."""
    entry: str | None
    """The bridge's transport and place, or `no bridge`; None where no call of the run had one."""
    others: str
    """What distinguishes its points from other rows' beyond that."""
    places: int
    """How many different pairs of places the calls had."""
    counts: Counts
    heard: tuple[HeardBy, ...]
    """By `HEARD_BY`."""
    study: Scenario | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def as_out_there(points: Sequence[Point], calls: Sequence[CallRecord]) -> list[Point]:
    """The points at which calls met others' traffic, or whose circuits were measured after them.

    Direct calls beside them have no circuit, and are among them where the same load ran.
    """
    measured = {call.point_id for call in calls if call.available_kbps_down is not None}
    kinds = {
        point[LOAD_KIND]
        for point in points
        if point[LOAD_KIND] == BACKGROUND or point.point_id in measured
    }
    return [point for point in points if point[LOAD_KIND] in kinds]


def scenarios(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[ScenarioCalls, ...]:
    """The rows, and as the last one all calls through Tor; nothing where no call was as out there.

    Nor where rows would be more than `MOST_ROWS`.
    """
    groups = _groups(points, calls)
    if not groups or len(groups) > MOST_ROWS:
        return ()
    rows = sorted((_row(kind, some) for kind, some in groups.items()), key=_place_in_table)
    through = [call for kind, some in groups.items() if kind.over_tor for call in some]
    return (*rows, _all_through_tor(through)) if through else tuple(rows)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the points of one row have in common."""

    point: Point
    """Without places."""
    server: str | None
    entry: str | None
    others: str

    @property
    def over_tor(self) -> bool:
        """Whether such calls take Tor."""
        known = METHODS.all.get(self.point.method)
        return known is not None and TOR_CLIENT in known.needs


def _groups(points: Sequence[Point], calls: Sequence[CallRecord]) -> dict[_Kind, list[CallRecord]]:
    """The calls of every row; those of a point all of which failed stand with those alike."""
    made = by_point(calls)
    there = [point for point in as_out_there(points, calls) if point.point_id in made]
    places = keys_of_nodes(there, ".place")
    entries = keys_of_nodes(there, ".bridges", ".transport")
    bridged = any(call.bridge for point in there for call in made[point.point_id])
    told = (METHOD, ANONYMOUS, HOPS, *places, *(entries if bridged else ()))
    names = told_apart(there, told)
    found: dict[_Kind, list[CallRecord]] = {}
    servers: dict[Point, set[str]] = {}
    kinds = {}
    for point, others in zip(there, names, strict=True):
        alike = without(point, places)
        server = next(filter(None, map(server_of, made[point.point_id])), None)
        met = [call for call in made[point.point_id] if call.circuit]
        entry = entry_of(met) if bridged and met else None
        kinds[point] = _Kind(alike, server, entry, others)
        servers.setdefault(alike, set()).update({server} if server else ())
    for point, kind in kinds.items():
        known = servers[kind.point]
        of_others = next(iter(known)) if len(known) == 1 else None
        row = replace(kind, server=kind.server or of_others)
        found.setdefault(row, []).extend(made[point.point_id])
    return found


def keys_of_nodes(points: Sequence[Point], *endings: str) -> list[Coordinate[Any]]:
    """The keys of the topology's nodes with one of these endings that a run sets."""
    return [
        each
        for each in coordinates(dimensions_of(points))
        if each.name.startswith(f"{PREFIX}nodes.") and each.name.endswith(endings)
    ]


def server_of(call: CallRecord) -> str | None:
    """Where the server stands; None where that is not known."""
    if call.server_place is None or call.callee_place is None:
        return None
    return WITH_CALLEE if call.server_place == call.callee_place else APART


def _row(kind: _Kind, calls: Sequence[CallRecord]) -> ScenarioCalls:
    point, lengths = kind.point, {hops for call in calls if (hops := hops_of(call))}
    hops = lengths.pop() if len(lengths) == 1 else point[HOPS]
    both = point[ANONYMOUS] == BOTH
    study = scenario(point.method, both, hops, kind.server == WITH_CALLEE) if hops else None
    return ScenarioCalls(
        method=point.method,
        over_tor=kind.over_tor,
        hops=hops,
        anonymous=point[ANONYMOUS] if kind.over_tor else "nobody",
        server=kind.server,
        entry=kind.entry,
        others=kind.others,
        places=_pairs(calls),
        counts=count_calls(calls),
        heard=_heard_by_each(valid_ones(calls)),
        study=study if kind.entry in (None, BY_RELAYS) else BRIDGED,
    )


def _all_through_tor(calls: Sequence[CallRecord]) -> ScenarioCalls:
    return ScenarioCalls(
        method=ALL,
        over_tor=True,
        hops=None,
        anonymous="-",
        server=None,
        entry=None,
        others="",
        places=_pairs(calls),
        counts=count_calls(calls),
        heard=_heard_by_each(valid_ones(calls)),
        study=ALL_CALLS,
    )


def _pairs(calls: Sequence[CallRecord]) -> int:
    return len({(call.caller_place, call.callee_place) for call in calls})


def _place_in_table(row: ScenarioCalls) -> tuple[Any, ...]:
    return position_of(row.method), row.anonymous, -(row.hops or 0)


def _heard_by_each(valid: Sequence[CallRecord]) -> tuple[HeardBy, ...]:
    """What `HEARD_BY` heard in these calls."""
    return tuple(_heard(end, valid) for end in HEARD_BY)


def _heard(end: str, calls: Sequence[CallRecord]) -> HeardBy:
    ends = (CALLEE, CALLER) if end == BOTH else (end,)
    (mos, mos_places), (delays, delay_places) = (
        _known(calls, ends, name) for name in ("pesq_mos", "owd_ms_p50")
    )
    return HeardBy(
        end=end,
        mos=tuple(sorted(_mean(values) for values in mos)),
        delays_ms=tuple(sorted(_mean(values) for values in delays)),
        mean_mos=mean_interval([_mean(values) for values in mos], mos_places),
        mean_delay_ms=mean_interval([_mean(values) for values in delays], delay_places),
        above_3=_share(mos, lambda value: value > GOOD_MOS),
        below_2=_share(mos, lambda value: value < BAD_PESQ),
        good=good_share(calls, ends),
        below_ms={
            most: _share(delays, partial(operator.gt, most)) for most in ALL_CALLS.below_ms_pct
        },
    )


_Places = tuple[str | None, ...]


def _known(
    calls: Sequence[CallRecord], ends: Sequence[str], name: str
) -> tuple[list[tuple[float, ...]], list[_Places]]:
    """A column at these ends, of the calls in which it was measured at all, and their places.

    Calls between the same places are alike: a mean's interval draws places, not calls.
    """
    found = [
        (values, (call.caller_place, call.callee_place, call.server_place))
        for call in calls
        if None not in (values := tuple(getattr(call, f"{end}_{name}") for end in ends))
    ]
    return [values for values, _ in found], [places for _, places in found]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _share(calls: Sequence[Sequence[float]], holds: Callable[[float], bool]) -> Interval:
    return share_interval(sum(all(map(holds, values)) for values in calls), len(calls))
