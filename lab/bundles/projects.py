"""The compose project of every topology that a run called in, rendered again without secrets."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from lab.bundles.placeholders import placeholder_secrets
from lab.engine.components import IMAGE
from lab.errors import LabError
from lab.lifecycle.plan import block_for
from lab.measure.record import CallRecord
from lab.render.owner import UNPRIVILEGED_ID, Owner
from lab.render.project import render_project
from lab.render.services import BESIDE
from lab.roles import program_of
from lab.store.database import Run
from lab.sweep.plan import plan_from_json
from lab.sweep.variants import changes_of, variant_of
from lab.topology.load import parse_topology
from lab.topology.model import PbxKind, Topology
from lab.topology.resolve import resolve
from lab.topology.variant import value_text, variant_file, varied

NOT_RECORDED = "not-recorded"
"""The tag of an image of which no call says what it was."""
_NOBODY = Owner(UNPRIVILEGED_ID, UNPRIVILEGED_ID)


@dataclass(frozen=True, slots=True)
class Rendered:
    """One topology of a run."""

    name: str
    changes: Mapping[str, str]
    """The keys in which it differs from the run's, with their values as YAML."""
    files: Mapping[str, bytes]
    """Of its project, by their paths."""
    left_out: str | None = None
    """Why there is no project; None where there is one."""


def rendered_projects(run: Run, calls: Sequence[CallRecord]) -> list[Rendered]:
    """A project for every topology that the run's plan calls in, as this version renders them.

    The images are those that its calls recorded. What a host decides is decided anew: addresses
    begin at the first free block of an empty host, and no user is named.
    """
    points = plan_from_json(run.plan).points
    variants = {point.point_id: variant_of(point) for point in points}
    changes = {variant_of(point): changes_of(point) for point in points}
    recorded: dict[Hashable, Mapping[str, str]] = {}
    for call in calls:
        if call.point_id in variants and call.versions:
            recorded.setdefault(variants[call.point_id], call.versions)
    return [
        _rendered(run, changed, recorded.get(variant, run.versions))
        for variant, changed in changes.items()
    ]


def _rendered(run: Run, changes: Mapping[str, Any], versions: Mapping[str, str]) -> Rendered:
    name = PurePath(variant_file(changes)).stem
    told = {key: value_text(value) for key, value in changes.items()}
    try:
        return Rendered(name, told, _project(run, varied(run.topology, changes), versions))
    except LabError as error:
        return Rendered(name, told, {}, f"this version cannot render it: {error.message}")


def _project(run: Run, text: str, versions: Mapping[str, str]) -> Mapping[str, bytes]:
    raw = parse_topology(text)
    block = block_for(raw, ())
    pbx = PbxKind.without_host(raw.wanted_pbx)
    if raw.wanted_pbx == "auto" and f"{IMAGE}{PbxKind.FREESWITCH}" in versions:
        pbx = PbxKind.FREESWITCH
    topology = resolve(raw, run.lab, block, pbx)
    project = render_project(
        topology, text, placeholder_secrets(topology), _images(topology, versions), _NOBODY
    )
    return project.files


def _images(topology: Topology, versions: Mapping[str, str]) -> dict[str, str]:
    names = {*BESIDE, *(program_of(topology, node).image for node in topology.nodes)}
    return {
        name: versions.get(f"{IMAGE}{name}", f"{name}:{NOT_RECORDED}") for name in sorted(names)
    }
