"""What a lab looks like now, read from Docker, the kernel and its programs, not from a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from lab import storage
from lab.engine.discovery import RunningLab, RunningNode
from lab.engine.execution import start_agent, start_reader
from lab.engine.lock import has_turn
from lab.errors import LabError
from lab.faults.ending import in_words
from lab.faults.found import Found
from lab.images import context
from lab.images.build import image_tag
from lab.render.owner import invoking_owner
from lab.role import Program, Report, Role
from lab.roles import ROLES
from lab.shaping.borrowed import left_changed
from lab.wire.network import MachineNetwork, NetworkInForce, ShowNetwork
from lab.wire.plain import from_plain, to_plain
from lab.wire.shape import Shape
from lab.wire.tor_settings import SettingsInForce

if TYPE_CHECKING:
    from lab.lifecycle.verify import InForce

MOST_APART = 12
"""So many nodes of one role are told of one by one, to people."""
AGENT_DEADLINE_S = 15.0
_AT_ONCE = 12

T = TypeVar("T")


def lab_status(
    lab: RunningLab,
    in_force: InForce | None = None,
    *,
    every: bool = True,
    broken: bool = True,
) -> dict[str, Any]:
    """The state of every node and link, and what programs in nodes tell, as plain values.

    `in_force` is what the lab has just said of itself; what is not in it is read anew. What
    cannot be read because its node is down is None, with the reason in `problems`. Unless `every`,
    nothing is asked of what runs in many nodes, and None stands for all their answers: a program
    has to be started for each. Unless `broken`, `problems` pass over nodes that do not run and
    links that are broken on purpose, for who tells of these by themselves.
    """
    lines = [line for line in lab.delay_lines.values() if line.state != "running"]
    problems = [_stopped(node) for node in (lab.stopped if broken else lines)]
    problems += [f"host {host} is away: {reason}" for host, reason in lab.away.items()]
    if left := _attempt(problems, lambda: left_changed(lab.name)):
        problems.append(left)
    configured = _attempt(problems, lambda: _networks(lab)) or {}
    running = {node.name for node in lab.nodes if node.state == "running"}
    known = in_force.tors if in_force else {}
    tellers = [(report, _tellers(lab, role, report)) for role, report in reports()]
    crowded = [r.section for r, nodes in tellers if not every and len(nodes) > MOST_APART]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        asked = {
            (report.section, node.name): pool.submit(
                _attempt, problems, _asking(lab, node, report, known.get(node.name))
            )
            for report, nodes in tellers
            if report.section not in crowded
            for node in nodes
        }
        shown = (in_force and in_force.networks) or _show_networks(
            pool, problems, lab, {name: configured[name] for name in configured if name in running}
        )
    told = {which: answer.result() for which, answer in asked.items()}
    if broken:
        problems += _faults(lab, shown)
    return describe(lab, configured, shown, told, problems) | dict.fromkeys(crowded)


def reports() -> Iterator[tuple[Role, Report]]:
    """Everything that some role's nodes are asked, with that role."""
    for role in ROLES:
        for report in role.reports:
            yield role, report


def describe(
    lab: RunningLab,
    configured: Mapping[str, MachineNetwork],
    shown: Mapping[str, NetworkInForce],
    told: Mapping[tuple[str, str], Mapping[str, Any] | None],
    problems: list[str],
) -> dict[str, Any]:
    """The state as plain values; `told` is (section, node) → what a program there told."""
    sections = {report.section: dict[str, Any]() for _, report in reports()}
    for (section, node), answer in told.items():
        sections[section][node] = answer
    return {
        "lab": lab.name,
        "topology": lab.topology,
        "block": str(lab.block) if lab.block else None,
        "directory": str(storage.project_directory(lab.name)),
        "pbx": _pbx(lab),
        "nodes": [
            {
                "node": node.name,
                "role": node.role,
                "place": _place(configured.get(node.name)),
                "state": node.state,
                "image": node.image,
                "links": _links(shown.get(node.name), configured.get(node.name)),
                "congestion_control": _congestion_control(shown.get(node.name)),
            }
            for node in lab.nodes
        ],
        "delay_lines": {name: line.state for name, line in sorted(lab.delay_lines.items())},
        **sections,
        "problems": problems,
    }


def _stopped(node: RunningNode) -> str:
    """A node, or a delay line, that does not run."""
    status = "" if node.state == "paused" else f" (exit status {node.exit_code})"
    return f"{node.name} is {node.state}{status}"


def _faults(lab: RunningLab, shown: Mapping[str, NetworkInForce]) -> list[str]:
    """The links that are broken on purpose, a sentence each."""
    found = [
        Found(link.fault.kind, machine, link.network, link.fault)
        for machine, network in shown.items()
        for link in network.links
        if link.fault is not None
    ]
    calling = bool(found) and has_turn(lab.name) is not None
    return [in_words(one, calling=calling) for one in found]


def _attempt(problems: list[str], read: Callable[[], T]) -> T | None:
    try:
        return read()
    except LabError as error:
        problems.append(error.message)
        return None


def _networks(lab: RunningLab) -> dict[str, MachineNetwork]:
    """Machine → what was set there."""
    path = storage.project_directory(lab.name) / storage.NETWORKS
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return {name: from_plain(MachineNetwork, network) for name, network in plain.items()}
    except OSError as error:
        raise LabError(
            f"the project of lab {lab.name} cannot be read: {path}: {error.strerror}",
            f"If LAB_HOME was changed, set it back; or `lab down {lab.name}`.",
        ) from error
    except ValueError as error:
        raise LabError(
            f"the project of lab {lab.name} cannot be read: {path}: {error}",
            f"Another version of this program may have written it: `lab down {lab.name}`.",
        ) from error


def _show_networks(
    pool: ThreadPoolExecutor,
    problems: list[str],
    lab: RunningLab,
    configured: Mapping[str, MachineNetwork],
) -> dict[str, NetworkInForce]:
    """Machine → what is in force there now; machines that cannot be asked are left out."""
    asked = {
        name: pool.submit(_attempt, problems, _showing(lab, network))
        for name, network in configured.items()
    }
    return {name: shown for name, future in asked.items() if (shown := future.result())}


def _showing(lab: RunningLab, network: MachineNetwork) -> Callable[[], NetworkInForce]:
    def show() -> NetworkInForce:
        with start_reader(lab, network.node, image_tag("net"), invoking_owner()) as reader:
            return reader.ask(ShowNetwork(network), NetworkInForce, AGENT_DEADLINE_S)

    return show


def _tellers(lab: RunningLab, role: Role, report: Report) -> list[RunningNode]:
    """The nodes in which a program runs that has this to tell."""
    nodes = storage.project_directory(lab.name) / "nodes"
    return [
        node
        for node in lab.nodes
        if node.role == role.name
        and node.state == "running"
        and (nodes / node.name / report.file).exists()
    ]


def _asking(
    lab: RunningLab, node: RunningNode, report: Report, known: SettingsInForce | None
) -> Callable[[], dict[str, Any]]:
    """Asks a program in a node, or tells what is `known` where that is what it would answer."""

    def ask() -> dict[str, Any]:
        if isinstance(known, report.answer):
            return report.plain(known)
        order = report.order(node.name)
        with start_agent(lab, node.name, report.dialogue) as agent:
            return report.plain(agent.ask(order, report.answer, AGENT_DEADLINE_S))

    return ask


def _pbx(lab: RunningLab) -> str | None:
    """The exchange that runs, known by the image of its node."""
    for node in lab.nodes:
        if node.role == "pbx":
            programs = ROLES.all["pbx"].programs
            return next((p.image for p in programs if _is_image_of(p, node.image)), None)
    return None


def _is_image_of(program: Program, image: str) -> bool:
    if program.users_image:
        return not image.startswith(f"{context.REPOSITORY}/")
    return image.startswith(f"{context.REPOSITORY}/{program.image}:")


def _place(configured: MachineNetwork | None) -> str | None:
    return configured.place if configured else None


def _congestion_control(shown: NetworkInForce | None) -> list[str] | None:
    return list(shown.congestion_control) if shown else None


def _links(shown: NetworkInForce | None, configured: MachineNetwork | None) -> list[dict[str, Any]]:
    """The links as they are in force, or as configured where the node does not run."""
    if shown:
        return [to_plain(link) for link in shown.links]
    return [
        {
            "network": link.network,
            "address": str(link.address),
            "interface": None,
            "rate_configured_kbps": link.sends.rate_kbps if link.sends else None,
            "rate_in_force_kbps": None,
            "counters": None,
            "way_configured": (link.sends or Shape()).way,
            "way_in_force": None,
            "fault": None,
        }
        for link in (configured.links if configured else ())
    ]
