"""The call that each host makes before those of a run: short, direct, beside nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from lab.calls.methods import METHODS
from lab.errors import LabError
from lab.store.database import Run, Store
from lab.sweep.plan import CALIBRATION, Plan, PlannedCall
from lab.sweep.point import Point
from lab.sweep.variants import changes_of
from lab.topology.load import parse_topology
from lab.topology.model import PbxKind
from lab.topology.resolve import block_prefix, resolve
from lab.topology.variant import varied

METHOD = "sip"
DURATION_S = 10


@dataclass(frozen=True, slots=True)
class _Calibration:
    """Such a call, as the store has it."""

    host: str | None
    calibrates: str | None
    valid: bool


def calibration_of(run: Run, plan: Plan) -> PlannedCall:
    """The calibration call of a run's hosts, in the topology of its first point.

    By SIP, straight to the exchange; where that topology cannot have such calls, by the first
    point's own method.
    """
    first = plan.order[0].point
    kept = {
        name: value
        for name, value in first.values.items()
        if name != "method" and changes_of(Point(first.method, **{name: value}))
    }
    raw = parse_topology(varied(run.topology, changes_of(first)), f"the topology of {run.run_id}")
    block = IPv4Network(f"10.0.0.0/{block_prefix(raw)}")
    topology = resolve(raw, raw.name, block, PbxKind.without_host(raw.wanted_pbx))
    try:
        METHODS.named(METHOD).check_topology(topology)
        method = METHOD
    except LabError:
        method = first.method
    point = Point(method, **(kept | {"duration_s": DURATION_S}))
    return PlannedCall(point, CALIBRATION, run.seed)


def calibrated_hosts(store: Store, run_id: str) -> set[str]:
    """The hosts that have made a valid calibration call for a run."""
    made = store.calls_as(_Calibration, None)
    return {call.host for call in made if call.calibrates == run_id and call.valid and call.host}
