"""A run and its calls → the report about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.measure.record import CallRecord
from lab.measure.statistics import count_calls
from lab.report.agreement import RULE
from lab.report.baseline import baseline, baseline_section
from lab.report.codec_section import codec_section
from lab.report.codecs import codecs
from lab.report.contention import curves
from lab.report.contention_section import contention_section
from lab.report.distance import distances
from lab.report.distance_section import distance_section
from lab.report.lengths import length_section, lengths
from lab.report.naming import values_in_words
from lab.report.pages import Report, Section, joined
from lab.report.paper import CONTENTION, STUDY
from lab.report.replays import replay_section, replays
from lab.store.database import Run
from lab.sweep.dimensions.load import LOAD_KIND, NONE
from lab.sweep.dimensions.rate import RATE
from lab.sweep.ledger import Ledger
from lab.sweep.plan import Plan, plan_from_json
from lab.sweep.point import Point

_SHOWN_VERSIONS = ("lab", "kernel", "tor", "openvpn", "kamailio", "rtpengine-daemon", "freeswitch")

MOST_CIRCUITS = 12
"""More are counted, not listed."""


def build_report(run: Run, calls: Sequence[CallRecord]) -> Report:
    """What a run found, beside the paper's table that the experiment names.

    Only valid calls enter a mean; invalid and failed ones are counted apart.
    """
    points = plan_from_json(run.plan).points
    by_length = lengths(points, calls)
    side_by_side = None if run.paper_table else codecs(points, calls)
    compared = {row.point for row in by_length}
    replayed = replays(points, calls)
    compared |= {row.point for row in replayed}
    if side_by_side:
        compared |= {row.point for row in side_by_side.rows}
    free: dict[str | None, Point] = {
        p.point_id: p
        for p in points
        if p[LOAD_KIND] == NONE and p[RATE] is None and p not in compared
    }
    alone = [call for call in calls if call.point_id in free]
    sections: list[Section] = []
    data: dict[str, object] = {
        "run_id": run.run_id,
        "experiment": run.experiment,
        "quick": run.quick,
        "seed": run.seed,
        "complete": run.ended_at is not None,
        "rule": RULE,
    }
    if alone:
        result = baseline(alone, free, run.paper_table == 1)
        data["table1" if result.beside_paper else "baseline"] = result.to_dict()
        sections.append(baseline_section(result))
    if side_by_side:
        data["codecs"] = side_by_side.to_dict()
        sections.append(codec_section(side_by_side))
    if far := distances(points, calls):
        data["distances"] = [row.to_dict() for row in far]
        sections.append(distance_section(far))
    if by_length:
        data["lengths"] = [row.to_dict() for row in by_length]
        sections.append(length_section(by_length))
    if replayed:
        data["replays"] = [row.to_dict() for row in replayed]
        sections.append(replay_section(replayed))
    paper = CONTENTION.get(run.paper_table or 0)
    if found := curves(points, calls, paper, compared):
        data["paper_table"] = paper.number if paper else None
        data["curves"] = [curve.to_dict() for curve in found]
        sections.append(contention_section(found, paper))
    beside = f" beside {STUDY}" if run.paper_table else ""
    return Report(
        title=f"{run.experiment}{beside}: run {run.run_id}",
        facts=_facts(run, calls),
        sections=tuple(sections),
        remarks=_remarks(run, calls),
        data=data,
    )


def _remarks(run: Run, calls: Sequence[CallRecord]) -> tuple[str, ...]:
    counts = count_calls([(call.status, call.valid) for call in calls])
    remarks = [
        f"{counts.valid} valid, {counts.invalid} invalid and {counts.failed} failed calls. Only "
        "valid ones enter a mean; intervals are bootstrap intervals over calls.",
    ]
    if run.quick:
        remarks.append("A quick run: few calls a point, so the intervals mean little.")
    plan = plan_from_json(run.plan)
    if fitted := values_in_words([point for point in plan.points if point[RATE]], plan.fit):
        remarks.append(f"A fit, chosen after seeing results: {joined(fitted)}.")
    remarks += _precision(plan, calls)
    if run.ended_at is None:
        remarks.append(f"The run is not complete: `lab experiment resume {run.run_id}`.")
    if run.paper_table:
        remarks.append(RULE)
    return tuple(remarks)


def _precision(plan: Plan, calls: Sequence[CallRecord]) -> list[str]:
    """What decided how often was called at a point, and where that was not reached."""
    if plan.precision_mos is None:
        return []
    said = (
        f"At every point {plan.calls} valid calls or more, until the 95 % confidence interval "
        f"(Student's t) of its mean PESQ is within ± {plan.precision_mos:g}"
    )
    wide = [
        f"{point.point_id} (± {tally.half_width_mos:.2f}, n = {tally.valid})"
        for point, tally in Ledger(plan, calls).tallies.items()
        if tally.half_width_mos is not None and tally.wider_than(plan.precision_mos)
    ]
    return [f"{said}; it is wider at {joined(wide)}." if wide else f"{said}."]


def _facts(run: Run, calls: Sequence[CallRecord]) -> tuple[tuple[str, str], ...]:
    facts = {
        "started": run.started_at,
        "ended": run.ended_at or "not complete",
        "seed": str(run.seed),
        "congestion control": _all(call.congestion_control for call in calls),
        "PBX": _all(call.pbx for call in calls),
        "phones": _all(call.phone for call in calls),
        "playout": _all(call.playout for call in calls),
        "OpenVPN": _all(f"{call.cipher}, {call.digest}" for call in calls if call.cipher),
        "circuits": _circuits(calls),
    }
    facts |= {name: run.versions[name] for name in _SHOWN_VERSIONS if name in run.versions}
    return tuple((name, value) for name, value in facts.items() if value)


def _circuits(calls: Sequence[CallRecord]) -> str:
    """Each by its relays, or how many there are where they are too many to read."""
    found = {call.circuit: None for call in calls if call.circuit}
    if len(found) > MOST_CIRCUITS:
        return f"{len(found)} different ones"
    return "; ".join(" → ".join(circuit.split()) for circuit in found)


def _all(values: Iterable[object]) -> str:
    return "; ".join(dict.fromkeys(str(value) for value in values if value))
