"""Is a lab that was just started what was asked for? Networks, servers and Tor, read back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from docker import DockerClient

from lab import storage
from lab.engine.agent import Agent
from lab.engine.discovery import RunningLab, find_helpers, find_lab
from lab.engine.execution import outcome_of, start_agent
from lab.engine.hosts import client_of
from lab.engine.waiting import WaitError, blaming_ended_nodes, refuse_ended_nodes
from lab.errors import LabError
from lab.events import Began
from lab.lifecycle.bridges import await_bridges
from lab.lifecycle.hosts import check_crossings
from lab.lifecycle.onion import verify_onions
from lab.lifecycle.plan import Plan
from lab.lifecycle.servers import listening
from lab.lifecycle.stages import Stages
from lab.lifecycle.tor_complaints import complaints
from lab.lifecycle.tor_settings import await_logged, verify_tors
from lab.roles import program_of
from lab.topology.model import Node, Topology
from lab.tor.bootstrap import Bootstrap, BootstrapError, verify_bootstrap
from lab.wire.circuits import CIRCUITS
from lab.wire.network import NETWORK, NetworkInForce
from lab.wire.plain import ShapeError
from lab.wire.tor_settings import SettingsInForce

log = logging.getLogger(__name__)

HELPER_DEADLINE_S = 30.0
_AT_ONCE = 8

TOR_STAGES = {
    "client": "the client runs",
    "bridges": "the descriptor of every bridge",
    "authority": "the authority answers",
    "relays": "it knows every relay",
    "consensus": "consensus with all of them",
    "descriptors": "all descriptors",
    "circuits": "circuits through them",
    "done": "100 % by its bridges",
}
"""The stages of `verify_bootstrap`, in a user's words."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What a lab said of itself while it was verified."""

    networks: Mapping[str, NetworkInForce]
    """Machine → what its net helper found in force there."""
    tors: Mapping[str, SettingsInForce]
    """Node → what its Tor says of itself."""


def verify(client: DockerClient, plan: Plan, stages: Stages, *, is_new: bool) -> InForce:
    """Wait until every part of the lab has been seen to work; LabError names the one that fails.

    Relays of a lab that is new have just told in their logs what their Tor goes by.
    """
    lab = find_lab(client, plan.topology.lab)
    relays = [node.name for node in plan.topology.with_role("relay")]
    clients = {node.name: node.bridges for node in plan.topology.nodes if node.tor}
    services = {node.name: node.bridges for node in plan.topology.with_role("onion-service")}
    tors = {**clients, **services}
    with listening(lab, plan) as listeners, ExitStack() as stack:
        with blaming_ended_nodes(client, lab.name):
            agents = {name: stack.enter_context(start_agent(lab, name, CIRCUITS)) for name in tors}
            with stages.stage("routes and link caps read back"):
                networks = read_networks(client, plan.topology)
            if plan.topology.hosts:
                with stages.stage("from host to host"):
                    check_crossings(lab, plan.topology, plan.images["net"])
            await_bridges(client, lab, plan.topology, stages)
            told: dict[tuple[str, ...], str] = {}
            for name, agent in agents.items():
                stages.tell(Began(f"Tor network as {name} sees it"))
                began = time.monotonic()
                verified = _verify_tor(
                    client, lab, plan.topology.node(name), agent, relays, stages, began
                )
                if tors[name] not in told:
                    _note_tor_stages(verified, began, stages, f" at {name}" if told else "")
                    told[tors[name]] = name
                else:
                    like = f" as at {told[tors[name]]}" if len(told) > 1 else ""
                    stages.note(f"Tor at {name}: the same{like}", began, time.monotonic())
            with stages.stage("Tor: versions and settings read back"):
                logged = await_logged(relays, log_of(client, lab)) if is_new else {}
                settings = verify_tors(lab, plan.topology, logged)
        try:
            for listener in listeners:
                listener.finish(client, lab, stages)
        except WaitError:
            refuse_complaints(client, lab, plan)
            raise
        refuse_complaints(client, lab, plan)
        if clients:
            directory = storage.project_directory(lab.name)
            verify_onions(lab, plan.topology, directory, next(iter(clients)), stages)
    return InForce(networks, settings)


def refuse_complaints(client: DockerClient, lab: RunningLab, plan: Plan) -> None:
    """LabError where the log of a program says that it cannot do what the lab needs of it."""
    read = log_of(client, lab)
    for node in plan.topology.nodes:
        program = program_of(plan.topology, node)
        if program.complaint is None:
            continue
        image = plan.images[program.image]
        if error := program.complaint(read(node.name), plan.topology, image):
            raise error


def log_of(client: DockerClient, lab: RunningLab) -> Callable[[str], str]:
    """Node → all that it has printed."""

    def read(node: str) -> str:
        found = lab.node(node)
        log = client_of(client, found.engine).api.logs(found.container_id)
        return bytes(log).decode(errors="replace")

    return read


def read_networks(client: DockerClient, topology: Topology) -> dict[str, NetworkInForce]:
    """Machine → what its net helper found in force after setting it."""
    helpers = find_helpers(client, topology.lab)
    machines = [node.name for node in topology.nodes if node.on is None]

    def read(machine: str) -> NetworkInForce:
        outcome = outcome_of(client, helpers[machine], HELPER_DEADLINE_S)
        shown = _told_by_helper(machine, *outcome)
        check_network(shown, topology.congestion_control)
        return shown

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(machines, pool.map(read, machines), strict=True))


def _told_by_helper(machine: str, status: int, output: str) -> NetworkInForce:
    last = (output.splitlines() or ["it said nothing"])[-1]
    if status != 0:
        raise LabError(
            f"the network of {machine} could not be set up: {last}",
            f"Its net helper ended with exit status {status}.",
        )
    try:
        shown = NETWORK.read_event(last)
    except ShapeError as error:
        raise LabError(f"the net helper of {machine} cannot be understood: {error}") from None
    assert isinstance(shown, NetworkInForce)
    return shown


def check_network(shown: NetworkInForce, congestion_control: str) -> None:
    """LabError where a machine's network is not what was asked for."""
    machine = shown.node
    if not shown.closed:
        raise LabError(f"{machine} has no unreachable default route: the lab would not be closed")
    if shown.congestion_control != (congestion_control,):
        found = ", ".join(shown.congestion_control) or "the host's own congestion control"
        raise LabError(
            f"TCP of {machine} goes by {found}, not by {congestion_control}",
            "`lab doctor` says which ones this kernel has.",
        )
    for link in shown.links:
        wanted, got = link.rate_configured_kbps, link.rate_in_force_kbps
        if wanted != got:
            raise LabError(
                f"the link of {machine} to {link.network} is capped at {got} kbit/s, "
                f"not at {wanted}",
                "`lab doctor` says which queueing disciplines this host has.",
            )


def _verify_tor(
    client: DockerClient,
    lab: RunningLab,
    node: Node,
    agent: Agent,
    relays: Sequence[str],
    stages: Stages,
    began: float,
) -> Bootstrap:
    """Follow the Tor network as the client in a node sees it."""
    name = node.name
    try:
        verified = verify_bootstrap(
            agent,
            relays,
            started_at=began,
            bridges=node.bridges,
            on_stage=lambda stage: stages.tell(
                Began(f"Tor at {name}: after {TOR_STAGES[stage.name]}")
            ),
            watch=lambda: refuse_ended_nodes(client, lab.name),
        )
    except BootstrapError as error:
        said = complaints(dict.fromkeys((name, *error.missing)), log_of(client, lab))
        raise BootstrapError(f"{error.message}{said}", error.hint, error.missing) from error
    log.info("%s: %s", name, verified)
    return verified


def _note_tor_stages(verified: Bootstrap, began: float, stages: Stages, where: str) -> None:
    after_s = 0.0
    for stage in verified.stages:
        stages.note(f"Tor{where}: {TOR_STAGES[stage.name]}", began + after_s, began + stage.after_s)
        after_s = stage.after_s
