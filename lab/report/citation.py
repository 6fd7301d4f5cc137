"""How to repeat a run, and how to cite it: a section of its page, and a CITATION.cff."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

import yaml

from lab import __version__
from lab.checkout import shipped_experiments
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, count_calls
from lab.report.pages import Report, Section, Table, counts_text
from lab.store.database import Run
from lab.sweep.design import DESIGNS
from lab.sweep.plan import Plan, plan_from_json

CFF_VERSION = "1.2.0"
AUTHORS = "voice-tor-lab contributors"
LICENSE = "MIT"
KEYWORDS = ("Tor", "VoIP", "PESQ", "one-way delay", "network emulation", "anonymity")


def with_citation(report: Report, run: Run, calls: Sequence[CallRecord]) -> Report:
    """The report with a last section on how to repeat the run and cite it."""
    return replace(report, sections=(*report.sections, citation_section(run, calls)))


def citation_section(run: Run, calls: Sequence[CallRecord]) -> Section:
    """The method in one paragraph, what was counted, all versions, and the commands."""
    counts = count_calls(calls)
    return Section(
        "How to repeat and cite this",
        (
            Table(
                "Calls",
                ("run", "valid", "invalid", "failed"),
                ((run.run_id, *counts_text(counts)),),
                1,
            ),
            Table("Versions", ("component", "version"), tuple(sorted(run.versions.items())), 2),
        ),
        (
            _method(run, counts),
            f"To run it again: {_run_command(run)} - the experiment and the topology as they "
            "were run are in the results' database, table runs, columns definition and topology; "
            "the seed in the experiment gives the same order of calls and the same choices.",
            f"To print this page again: lab report {run.run_id} --html - and the data: "
            f"lab export {run.run_id} --format csv.",
            "To cite it: CITATION.cff beside this page (Citation File Format "
            f"{CFF_VERSION}), which archives that give out DOIs read.",
        ),
    )


def citation_file(run: Run, calls: Sequence[CallRecord]) -> str:
    """The text of a CITATION.cff for the run's data; without a date where it has not ended."""
    counts = count_calls(calls)
    released = {"date-released": run.ended_at[:10]} if run.ended_at else {}
    fields = {
        "cff-version": CFF_VERSION,
        "message": "If you use these measurements, please cite them by this file.",
        "type": "dataset",
        "title": f"Voice calls over a private Tor network: {run.experiment}, run {run.run_id}",
        "authors": [{"name": AUTHORS}],
        "version": run.versions.get("lab", __version__),
        **released,
        "abstract": _method(run, counts),
        "keywords": list(KEYWORDS),
        "license": LICENSE,
    }
    return yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=100)


def _method(run: Run, counts: Counts) -> str:
    plan = plan_from_json(run.plan)
    state = "" if run.ended_at else " The run is not complete."
    return (
        f"Experiment {run.experiment}{' (its quick version)' if run.quick else ''}, started "
        f"{run.started_at}: {_design(plan)}, with {plan.calls} valid calls wanted at each, in an "
        f"order drawn from seed {run.seed}. Each call carries a clip of speech both ways through "
        "a private Tor network in containers, and is recorded and captured at both ends. "
        f"{counts.valid} calls are valid, {counts.invalid} invalid and {counts.failed} failed: "
        "valid is a call whose senders kept pace, whose captures dropped nothing, on a host that "
        "was not saturated, with the links, codec and circuit that were asked for; only valid "
        "calls enter a mean, the others are counted and kept, with the reasons. PESQ is MOS-LQO "
        "(ITU-T P.862.1); the delay of every packet is measured on one clock. Intervals are 95 % "
        f"confidence intervals over calls.{state}"
    )


def _design(plan: Plan) -> str:
    words = DESIGNS[plan.design].explanation if plan.design in DESIGNS else plan.design
    said = f"{len(plan.designed)} points ({words})"
    return f"{said}, and the corners {', '.join(plan.corners)}" if plan.corners else said


def _run_command(run: Run) -> str:
    name = f"./{run.experiment}.yaml"
    for shipped, file in shipped_experiments().items():
        if file.read_text(encoding="utf-8") == run.definition:
            name = shipped
    options = ["--quick"] if run.quick else []
    options += ["--jobs", str(run.jobs)] if run.jobs > 1 else []
    if run.cluster is not None:
        kind, _, count = run.cluster.partition(":")
        options += ["--local", count] if kind == "local" else ["--cluster", run.cluster]
    return shlex.join(["lab", "experiment", "run", name, *options])
