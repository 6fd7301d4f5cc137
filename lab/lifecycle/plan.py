"""What `lab up` is going to start, decided before anything is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from lab.engine.addresses import free_block
from lab.images.build import image_tag
from lab.lifecycle.pbx_choice import PbxChoice
from lab.render.owner import Owner, invoking_owner
from lab.render.project import Project, project_fingerprint, render_project
from lab.render.secrets import generate_secrets
from lab.render.services import BESIDE
from lab.roles import program_of
from lab.topology.load import Source
from lab.topology.model import PbxKind, Topology
from lab.topology.raw import RawTopology
from lab.topology.resolve import block_prefix, resolve


@dataclass(frozen=True, slots=True)
class Plan:
    """A resolved topology with everything else that its project is rendered from."""

    topology: Topology
    source: str
    """The topology's YAML."""
    images: Mapping[str, str]
    """What an image is called, `net`, `delay-line` or as in `lab.role.Program` → its tag."""
    owner: Owner
    pbx: PbxChoice

    @property
    def fingerprint(self) -> str:
        """The digest by which a running lab is recognised as this one."""
        return project_fingerprint(self.topology, self.images, self.owner)


def block_for(raw: RawTopology, taken: Sequence[IPv4Network]) -> IPv4Network:
    """A block of addresses for a new lab, clear of `taken`; LabError where none is free."""
    return free_block([*taken, *raw.fixed_subnets.values()], block_prefix(raw))


def plan_lab(
    source: Source, lab: str | None, block: IPv4Network, pbx: PbxChoice | None = None
) -> Plan:
    """Resolve a topology without Docker; `pbx` None takes Kamailio for `auto`."""
    raw = source.raw
    choice = pbx or PbxChoice(PbxKind.without_host(raw.wanted_pbx), "dry run")
    topology = resolve(raw, lab or raw.name, block, choice.kind)
    images = _image_tags(topology)
    return Plan(topology, source.text, images, invoking_owner(), choice)


def render_plan(plan: Plan) -> Project:
    """The project of a plan, with fresh secrets."""
    secrets = generate_secrets(plan.topology)
    return render_project(plan.topology, plan.source, secrets, plan.images, plan.owner)


def _image_tags(topology: Topology) -> dict[str, str]:
    tags = {name: image_tag(name) for name in BESIDE}
    programs = (program_of(topology, node) for node in topology.nodes)
    for image, program in {program.image: program for program in programs}.items():
        users = program.users_image
        tags[image] = users.tag if users else image_tag(image)
    return dict(sorted(tags.items()))
