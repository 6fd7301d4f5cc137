"""What is so in a lab at this moment, asked of Docker, the kernel and the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lab.engine.discovery import RunningLab
from lab.events import FaultBegan, Happening, LabFound, LinkFound, NodeState, Noted, RunBegan
from lab.events.at_work import is_at_work
from lab.events.following import Follower
from lab.events.journal import run_journal
from lab.lifecycle.status import lab_status
from lab.store.database import Run
from lab.store.reading import read_store
from lab.sweep.ledger import ledger_of
from lab.sweep.run import labs_of
from lab.wire.faults import LOSS, LinkFault
from lab.wire.plain import from_plain

NEWEST = 20
"""Runs that are looked at: one that was given up long ago may never have ended."""


def found(lab: RunningLab) -> Iterator[Happening]:
    """The lab, its nodes and its links, and what is wrong with them."""
    state = lab_status(lab, every=False, broken=False)
    yield LabFound(lab.topology)
    for node in lab.nodes:
        exit_code = node.exit_code if node.state == "exited" else None
        yield NodeState(node.name, node.role, node.state, exit_code)
    for shown in state["nodes"]:
        yield from _links(shown["node"], shown["links"])
        yield from _faults(shown["node"], shown["links"])
    for problem in state["problems"]:
        yield Noted(problem)


def _links(node: str, links: Sequence[Mapping[str, Any]]) -> Iterator[Happening]:
    for link in links:
        yield LinkFound(
            node,
            link["network"],
            str(link["address"]),
            link["interface"],
            link["rate_configured_kbps"],
            link["rate_in_force_kbps"],
        )


def _faults(node: str, links: Sequence[Mapping[str, Any]]) -> Iterator[FaultBegan]:
    """The links of a node that are broken on purpose; that it does not run is its state."""
    for link in links:
        if link["fault"] is not None:
            fault = from_plain(LinkFault, link["fault"])
            for_s = None if fault.until is None else round(fault.until - fault.began_at, 3)
            loss_pct = fault.loss_pct if fault.kind == LOSS else None
            yield FaultBegan(fault.kind, node, link["network"], loss_pct, for_s)


def runs_at_work(lab: str) -> Iterator[RunBegan]:
    """How far the runs have come that are calling in a lab."""
    with read_store() as store:
        for run in store.runs()[-NEWEST:]:
            if run.ended_at is None and lab in labs_of(run) and _is_at_work(run):
                ledger = ledger_of(store, run)
                yield RunBegan(run.run_id, ledger.made, ledger.still_wanted)


def _is_at_work(run: Run) -> bool:
    history = list(Follower(run_journal(run.run_id)).new())
    return bool(history) and is_at_work(history[-1])
