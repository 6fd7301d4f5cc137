"""Bring a lab up: check, render, start, verify; idempotent, and undone on failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from docker import DockerClient

from lab import storage
from lab.engine.compose_plugin import compose_command
from lab.engine.discovery import RunningLab, RunningNode, find_helpers, find_lab, find_labs
from lab.engine.hosts import client_of
from lab.engine.lock import UP_PATIENCE_S, Lock, choosing_addresses, locked, turn_in
from lab.engine.owners import check_mine, owners
from lab.engine.project import remove_lab, write_project
from lab.engine.waiting import blaming_ended_nodes, wait_until
from lab.errors import LabError
from lab.events import Began, LabUp, Listener, both, silent
from lab.events.journal import in_lab
from lab.faults.ending import end_overdue
from lab.images.build import missing
from lab.lifecycle.certificate import with_certificate
from lab.lifecycle.down import take_back
from lab.lifecycle.hosts import (
    check_hosts,
    check_shared,
    images_on,
    make_joined,
    networks_taken,
    start_services,
)
from lab.lifecycle.lacking import lacking
from lab.lifecycle.pbx_choice import choose_pbx
from lab.lifecycle.plan import Plan, block_for, plan_lab, render_plan
from lab.lifecycle.ready import open_lab_as_it_is
from lab.lifecycle.set_up import ensure_images
from lab.lifecycle.stages import Stage, Stages
from lab.lifecycle.startable import have_startable, resume_paused
from lab.lifecycle.verify import InForce, verify
from lab.render.services import helper_services
from lab.role import HeadStart
from lab.roles import ROLES
from lab.topology.load import find_topology, read_topology
from lab.topology.mistakes import listed
from lab.topology.model import HERE, Node, Topology
from lab.topology.raw import RawTopology
from lab.tor_versions import plain_image
from lab.wire import places

AT_ONCE = 16
"""Machines that are started together. A net helper waits 10 s for the delay line beside it, relays
60 s for the authority, and Compose starts what it is given in no order that could be relied on."""
STARTING_S = 1.0
"""For how long a node that starts beside others takes processors from them, about."""


@dataclass(frozen=True, slots=True)
class Up:
    """What `up` did."""

    plan: Plan
    directory: Path
    already_up: bool
    stages: tuple[Stage, ...]
    """In the order in which they ended; they may overlap."""
    seconds: float
    """From the beginning to the end of the last stage."""
    in_force: InForce
    """What was found after it was set up."""


def up(
    client: DockerClient,
    name_or_path: str,
    lab: str | None,
    tell: Listener = silent,
    changes: Mapping[str, Any] | None = None,
) -> Up:
    """Bring up the topology under the name `lab` (default: its own) and verify that it works.

    `changes` are dotted keys of it (`nodes.caller.place`) that have another value.

    Does nothing where exactly that lab is up and well, but for waiting until nobody calls in it.
    LabError where it cannot be done; then nothing of a lab that was not there before is left
    behind, and neither on Ctrl-C.
    """
    stages = Stages(tell)
    with stages.stage("checking this host"):
        source = read_topology(find_topology(name_or_path), changes)
        raw = source.raw
        name = lab or raw.name
        compose_command()
        pbx = choose_pbx(_engine_of_pbx(client, raw), raw.wanted_pbx)
    unplaced = plan_lab(source, lab, block_for(raw, ()), pbx)
    _have_other_tors(client, unplaced, stages)
    tell = stages.tell = both(tell, in_lab(name, "up"))
    with (
        _turn_where_up(client, name, tell),
        locked(name, UP_PATIENCE_S, tell) as lock,
        ExitStack() as choosing,
    ):
        running = _running(client, name)
        if running is None:
            choosing.enter_context(choosing_addresses(tell))
        with stages.stage("resolving the topology"):
            block = running.block if running else None
            if block is None:
                block = block_for(raw, networks_taken(client, unplaced.topology))
            plan = plan_lab(source, lab, block, pbx)
            _check_tun(plan)
            _check_images(client, plan)
            check_hosts(client, plan)
        if running:
            _check_same(running, plan)
        directory = storage.project_directory(name)
        try:
            if running:
                running = _without_faults(client, running, plan, tell)
            else:
                with stages.stage("rendering project and secrets"):
                    project = with_certificate(render_plan(plan), plan.topology)
                    write_project(project, directory, plan.owner)
            if plan.topology.hosts:
                with stages.stage("joining the networks of the hosts"):
                    check_shared(client, plan, directory)
                    image = plan.images["net"]
                    make_joined(client, plan.topology, directory, lock, image)
            with blaming_ended_nodes(client, name):
                _start(client, plan.topology, directory, lock, stages, running)
            choosing.close()
            in_force = verify(client, plan, stages, is_new=running is None)
        except BaseException:
            if running is None:
                take_back(client, name, tell)
            raise
        tell(LabUp(stages.total_s))
        return Up(
            plan=plan,
            directory=directory,
            already_up=running is not None,
            stages=tuple(stages.done),
            seconds=stages.total_s,
            in_force=in_force,
        )


def _engine_of_pbx(client: DockerClient, raw: RawTopology) -> DockerClient:
    """The engine of the host on which the exchange is to run; LabError where it does not answer."""
    for name, node in raw.nodes.items():
        if node.role == "pbx":
            host = raw.hosts.get(raw.host_of(name))
            return client_of(client, (host and host.engine) or "")
    return client


def _turn_where_up(client: DockerClient, name: str, tell: Listener) -> AbstractContextManager[None]:
    """In a lab that is up, a call could be under way, which verifying would disturb."""
    is_up = bool(find_labs(client, name))
    return turn_in(name, tell) if is_up else nullcontext()


def _check_tun(plan: Plan) -> None:
    nodes = plan.topology.nodes
    uses = {
        "OpenVPN": any(ROLES.all[n.role].tunnel(plan.topology, n) for n in nodes),
        "the delays of its links": any(node.has_delays for node in nodes),
    }
    if any(uses.values()) and not Path(places.TUN).exists():
        what = listed([use for use, wanted in uses.items() if wanted], "and")
        raise LabError(
            f"lab {plan.topology.lab} needs {places.TUN} for {what} and this host has none",
            "Load the module (`modprobe tun`) or use a host that has it.",
        )


def _have_other_tors(client: DockerClient, plan: Plan, stages: Stages) -> None:
    """Build what images with another Tor are missing: nobody else needs them."""
    wanted = [image for image in plan.images if plain_image(image)]
    if wanted and missing(client, wanted):
        with stages.stage("building the images with another Tor"):
            ensure_images(client, stages.tell, wanted)


def _check_images(client: DockerClient, plan: Plan) -> None:
    if lacking := missing(client, images_on(plan, HERE)):
        raise LabError(
            f"these images are missing or out of date: {', '.join(lacking)}",
            "Build them with `make setup` (or `lab setup`).",
        )


def _running(client: DockerClient, name: str) -> RunningLab | None:
    """The lab of that name; what an interrupted `up` left without any node is removed.

    LabError where another user has it.
    """
    check_mine(name, owners(client).get(name), "Give yours another name with --name.")
    for lab in find_labs(client, name):
        return lab
    remove_lab(client, name)
    return None


def _check_same(running: RunningLab, plan: Plan) -> None:
    if running.fingerprint != plan.fingerprint:
        raise LabError(
            f"lab {running.name} is up, but was made from another topology or other images",
            f"Take it down first: `lab down {running.name}`.",
        )
    directory = storage.project_directory(running.name)
    if not (directory / "compose.yaml").exists():
        raise LabError(
            f"lab {running.name} is up, but its project is not in {directory}",
            "If it was brought up with another LAB_HOME, set that; or take it down and up again: "
            f"`lab down {running.name}`.",
        )


def _without_faults(
    client: DockerClient, running: RunningLab, plan: Plan, tell: Listener
) -> RunningLab:
    """A lab that is up, without what was left broken, and all of which can be started."""
    running = resume_paused(client, running)
    # First: a delay line that then begins anew cannot be asked before it is set up.
    end_overdue(open_lab_as_it_is(client, running.name), tell)
    return have_startable(client, running, plan.topology, plan.images)


def _start(
    client: DockerClient,
    topology: Topology,
    directory: Path,
    lock: Lock,
    stages: Stages,
    running: RunningLab | None,
) -> None:
    """Start the nodes of roles that have a head start, then everything else.

    Of a lab that was up, only what it lacks.
    """
    wanted = None
    if running is not None:
        wanted = lacking(topology, running, find_helpers(client, topology.lab))
    others = list(topology.nodes)
    for role in ROLES:
        if head_start := role.head_start:
            first = topology.with_role(role.name)
            others = [node for node in others if node not in first]
            # Who is awaited is in the first batch.
            first = tuple(sorted(first, key=lambda node: not head_start.awaited(node)))
            with stages.stage(f"starting {head_start.together}"):
                for batch in batches(first, f"starting {head_start.together}", stages.tell):
                    _compose_up(topology, directory, lock, batch, wanted)
            if running is None:
                with stages.stage(head_start.stage):
                    _await_words(client, topology, first, head_start)
    with stages.stage("starting the other nodes"):
        for batch in batches(others, "starting the other nodes", stages.tell):
            _compose_up(topology, directory, lock, batch, wanted)


def batches(nodes: Sequence[Node], doing: str, tell: Listener = silent) -> Iterator[Sequence[Node]]:
    """The nodes, at most AT_ONCE at a time.

    Where there are several batches, it is told before each how many nodes have been started while
    `doing` that.
    """
    for start in range(0, len(nodes), AT_ONCE):
        if len(nodes) > AT_ONCE:
            tell(Began(f"{doing} ({start} of {len(nodes)})"))
        yield nodes[start : start + AT_ONCE]


def _compose_up(
    topology: Topology,
    directory: Path,
    lock: Lock,
    nodes: Sequence[Node],
    wanted: frozenset[str] | None,
) -> None:
    """Start nodes and what stands beside those that are machines, or what of it is `wanted`."""
    names = [node.name for node in nodes]
    services = names + [service for node in nodes for service in helper_services(node)]
    if wanted is not None:
        services = [service for service in services if service in wanted]
    start_services(topology, directory, lock, services)


def _await_words(
    client: DockerClient, topology: Topology, nodes: Sequence[Node], head_start: HeadStart
) -> None:
    lab = find_lab(client, topology.lab)
    for node in nodes:
        if words := head_start.awaited(node):
            running = lab.node(node.name)
            said = partial(_has_said, client, running, words)
            deadline_s = head_start.deadline_s + STARTING_S * len(nodes)
            wait_until(client, running, f"it to say {words!r}", said, deadline_s)


def _has_said(client: DockerClient, node: RunningNode, words: str) -> bool:
    log: bytes = client_of(client, node.engine).api.logs(node.container_id)
    return words.encode() in log
