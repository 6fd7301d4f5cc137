"""A run and its calls → the report about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lab.measure.record import CallRecord
from lab.measure.statistics import count_calls
from lab.report.agreement import RULE
from lab.report.anonymity import anonymities
from lab.report.anonymity_section import anonymity_section
from lab.report.apps import app_calls
from lab.report.apps_section import apps_section
from lab.report.available import available
from lab.report.available_section import available_section
from lab.report.baseline import baseline, baseline_section
from lab.report.bridges import bridge_calls, bridge_section
from lab.report.codec_section import codec_section
from lab.report.codecs import codecs
from lab.report.contention import curves
from lab.report.contention_section import contention_section
from lab.report.designed import designed_sections, told_one_by_one
from lab.report.distance_section import distance_section
from lab.report.exchanges import exchange_section, exchanges
from lab.report.faults import fault_section, faulted_points, faults
from lab.report.hops import hops_section, lengths_of_circuits
from lab.report.hosts import hosts, hosts_section
from lab.report.lengths import length_section, lengths
from lab.report.nagle import distances_unless_switched, switched_points, switches
from lab.report.nagle_section import nagle_section
from lab.report.naming import values_in_words
from lab.report.onion import onion_calls
from lab.report.onion_section import onion_section
from lab.report.opinions import compare
from lab.report.opinions_section import opinions_section
from lab.report.pages import Report, Section, joined
from lab.report.paper import CONTENTION, STUDY
from lab.report.paths import paths_calls
from lab.report.paths_section import paths_section
from lab.report.relays import relays
from lab.report.relays_section import relays_section
from lab.report.replays import replay_section, replays
from lab.report.scenarios import BACKGROUND, scenarios
from lab.report.scenarios_section import scenarios_section
from lab.report.tor_settings import tor_settings
from lab.report.tor_settings_section import tor_settings_section
from lab.store.database import Run
from lab.sweep.dimensions.load import LOAD_KIND, NONE
from lab.sweep.dimensions.rate import RATE
from lab.sweep.ledger import Ledger
from lab.sweep.plan import Plan, plan_from_json
from lab.sweep.point import Point

_SHOWN_VERSIONS = ("lab", "kernel", "tor", "openvpn", "kamailio", "rtpengine-daemon", "freeswitch")

ASIDE: tuple[
    tuple[
        str,
        Callable[[Sequence[Point], Sequence[CallRecord]], Sequence[Any]],
        Callable[[Any], Section],
    ],
    ...,
] = (
    ("apps", app_calls, apps_section),
    ("scenarios", scenarios, scenarios_section),
    ("available", available, available_section),
    ("relays", relays, relays_section),
    ("anonymity", anonymities, anonymity_section),
    ("nodelay", switches, nagle_section),
    ("hops", lengths_of_circuits, hops_section),
    ("distances", distances_unless_switched, distance_section),
    ("bridges", bridge_calls, bridge_section),
    ("tor_networks", tor_settings, tor_settings_section),
    ("onions", onion_calls, onion_section),
    ("paths", paths_calls, paths_section),
    ("exchanges", exchanges, exchange_section),
    ("hosts", hosts, hosts_section),
)
"""Name in the data → the rows that a run has on a question, and the section about them."""

MOST_CIRCUITS = 12
"""More are counted, not listed."""


def build_report(run: Run, calls: Sequence[CallRecord]) -> Report:
    """What a run found, beside the paper's table that the experiment names.

    Only valid calls enter a mean; invalid and failed ones are counted apart.
    """
    plan = plan_from_json(run.plan)
    every = told_one_by_one(plan)
    broken = faults(every, calls)
    faulted = faulted_points(every)
    points = [point for point in every if point not in faulted]
    by_length = lengths(points, calls)
    side_by_side = None if run.paper_table else codecs(points, calls)
    compared = {row.point for row in by_length}
    replayed = replays(points, calls)
    compared |= {row.point for row in replayed}
    compared |= set(switched_points(points))
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
    for told, section in designed_sections(plan, calls):
        data |= told
        sections.append(section)
    if alone:
        result = baseline(alone, free, run.paper_table == 1)
        data["table1" if result.beside_paper else "baseline"] = result.to_dict()
        sections.append(baseline_section(result))
    if side_by_side:
        data["codecs"] = side_by_side.to_dict()
        sections.append(codec_section(side_by_side))
    for name, find, section_of in ASIDE:
        if rows := find(points, calls):
            data[name] = [row.to_dict() for row in rows]
            sections.append(section_of(rows))
    if broken:
        data["faults"] = [row.to_dict() for row in broken]
        sections.append(fault_section(broken))
    if by_length:
        data["lengths"] = [row.to_dict() for row in by_length]
        sections.append(length_section(by_length))
    if replayed:
        data["replays"] = [row.to_dict() for row in replayed]
        sections.append(replay_section(replayed))
    if opinions := compare(calls):
        data["opinions"] = opinions.to_dict()
        sections.append(opinions_section(opinions))
    paper = CONTENTION.get(run.paper_table or 0)
    contended = [point for point in points if point[LOAD_KIND] != BACKGROUND]
    if found := curves(contended, calls, paper, compared):
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
    counts = count_calls(calls)
    remarks = [
        f"{counts.valid} valid, {counts.invalid} invalid and {counts.failed} failed calls. Only "
        "valid ones enter a mean; intervals are bootstrap intervals over calls unless a section "
        "says otherwise.",
    ]
    if run.quick:
        remarks.append("A quick run: few calls a point, so the intervals mean little.")
    remarks += _between_hosts(calls)
    if run.repeats:
        remarks.append(f"It repeats run {run.repeats} of the bundle {run.bundle_sha256} (SHA-256).")
    plan = plan_from_json(run.plan)
    if fitted := values_in_words([point for point in plan.points if point[RATE]], plan.fit):
        remarks.append(f"A fit, chosen after seeing results: {joined(fitted)}.")
    remarks += _precision(plan, calls)
    if run.ended_at is None:
        remarks.append(f"The run is not complete: `lab experiment resume {run.run_id}`.")
    if run.paper_table:
        remarks.append(RULE)
    return tuple(remarks)


def _between_hosts(calls: Sequence[CallRecord]) -> list[str]:
    """How exact one-way delays are whose ends were on two hosts."""
    errors_ms = [call.owd_error_ms for call in calls if call.owd_error_ms is not None]
    if not errors_ms:
        return []
    return [
        f"The ends of {len(errors_ms)} calls were on two hosts, whose clocks were compared: their "
        f"one-way delays are exact to ± {max(errors_ms):.2g} ms only."
    ]


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
