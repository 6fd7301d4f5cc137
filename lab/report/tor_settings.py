"""Calls over Tor networks that differ: in the versions of Tor, in what the consensus says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.ends import BOTH
from lab.measure.good_call import GOOD_MOS
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls, mean_interval, share_interval
from lab.report.agreement import Agreement, compare
from lab.report.naming import told_apart
from lab.report.paper import Scenario, scenario
from lab.report.selection import by_point, hops_of, mean_of, valid_ones
from lab.sweep.dimensions.anonymous import ANONYMOUS
from lab.sweep.dimensions.method import METHOD
from lab.sweep.point import Point
from lab.sweep.topology_key import PREFIX

NETWORK = f"{PREFIX}tor."
NODES = f"{PREFIX}nodes."
OF_NODES = (".tor_version", ".bandwidth_rate", ".bandwidth_burst")
OTHERS = ("circuit", "callee_circuit", "voting_interval")
"""Keys of the network that are no property of its Tor."""
ALGORITHMS = {0.0: "fixed windows", 2.0: "vegas"}
"""What `cc_alg` stands for (param-spec)."""


@dataclass(frozen=True, slots=True)
class TorSettingsCalls:
    """The calls by one method over one such network; means are over valid calls."""

    point: Point
    others: str
    """What distinguishes its point from the others, beside the method."""
    versions: str
    """Of the caller's Tor and, after a slash, of the relays, as they told."""
    congestion_control: str
    """What the consensus said."""
    conflux: str
    counts: Counts
    caller_mos: Interval
    callee_mos: Interval
    good_share: Interval
    """Of the calls, at the callee: PESQ above what the first study calls good."""
    callee_owd_ms: Interval
    caller_owd_ms: Interval
    callee_jitter_ms: Interval
    caller_jitter_ms: Interval
    access_kbps: Interval
    """On the caller's own link, at Ethernet level, what it sends."""
    less_used_share: Interval
    """With Conflux: what the circuit that carried less sent and received, of all, 0 to 0.5."""
    study: Scenario | None
    """What the first study has of such calls through the public network."""
    agreement: Agreement | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"point": self.point.to_dict()}


def tor_settings(
    points: Sequence[Point], calls: Sequence[CallRecord]
) -> tuple[TorSettingsCalls, ...]:
    """Set networks side by side whose Tor the points vary; nothing where they vary none of it."""
    made = by_point(call for call in calls if call.tors)
    if not any(_is_of_tor(name) for point in points for name in point.values):
        return ()
    called = [point for point in points if point.point_id in made]
    names = told_apart(called, (METHOD,))
    return tuple(
        _row(point, name, made[point.point_id]) for point, name in zip(called, names, strict=True)
    )


def _is_of_tor(coordinate: str) -> bool:
    """Whether a coordinate is a key of the topology that makes its Tor another one."""
    if coordinate.startswith(NETWORK):
        return coordinate.removeprefix(NETWORK) not in OTHERS
    return coordinate.startswith(NODES) and coordinate.endswith(OF_NODES)


def _row(point: Point, others: str, calls: Sequence[CallRecord]) -> TorSettingsCalls:
    valid = valid_ones(calls)
    callee_mos = mean_of(valid, "callee_pesq_mos")
    lengths = {hops for call in calls if (hops := hops_of(call))}
    both = point[ANONYMOUS] == BOTH
    study = scenario(point.method, both, lengths.pop()) if len(lengths) == 1 else None
    scores = [call.callee_pesq_mos for call in valid if call.callee_pesq_mos is not None]
    return TorSettingsCalls(
        point=point,
        others=others,
        versions=_each(_versions(call) for call in calls),
        congestion_control=_each(_congestion_control(call) for call in calls),
        conflux=_each(call.conflux or "not known to it" for call in calls),
        counts=count_calls(calls),
        caller_mos=mean_of(valid, "caller_pesq_mos"),
        callee_mos=callee_mos,
        good_share=share_interval(sum(score > GOOD_MOS for score in scores), len(scores)),
        callee_owd_ms=mean_of(valid, "callee_owd_ms_p50"),
        caller_owd_ms=mean_of(valid, "caller_owd_ms_p50"),
        callee_jitter_ms=mean_of(valid, "callee_jitter_mean"),
        caller_jitter_ms=mean_of(valid, "caller_jitter_mean"),
        access_kbps=mean_of(valid, "kbps_access_eth"),
        less_used_share=mean_interval(
            [share for call in valid if (share := _less_used(call)) is not None]
        ),
        study=study,
        agreement=compare(study.pesq, callee_mos) if study and study.pesq else None,
    )


def _each(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))


def _versions(call: CallRecord) -> str:
    """The caller's, and those of all relays of the circuit, each once."""
    relays = " ".join(filter(None, [call.tor_guard, call.tor_middle, call.tor_exit])).split()
    return f"{call.tor_client or '?'} / {' '.join(dict.fromkeys(relays)) or '?'}"


def _congestion_control(call: CallRecord) -> str:
    algorithm = call.consensus.get("cc_alg")
    if algorithm is None:
        return "nothing"
    return ALGORITHMS.get(algorithm, f"cc_alg={algorithm:g}")


def _less_used(call: CallRecord) -> float | None:
    """Of the bytes of a Conflux set the share of the circuit with fewer; None without a set."""
    carried = list(call.circuit_leg_bytes.values())
    total = sum(carried)
    return min(carried) / total if len(carried) > 1 and total else None
