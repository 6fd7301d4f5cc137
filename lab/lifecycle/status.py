"""What a lab looks like now, read from Docker, the kernel and Tor, not from a file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from docker import DockerClient

from lab import storage
from lab.engine.discovery import RunningLab
from lab.engine.execution import start_agent, start_network_helper, start_plain_agent
from lab.errors import LabError
from lab.images.build import image_tag
from lab.render.project import NETWORKS
from lab.topology.model import Role
from lab.wire.listening import HANDSHAKE, AwaitHandshake, Listening
from lab.wire.network import NETWORK, MachineNetwork, NetworkInForce, ShowNetwork
from lab.wire.plain import ShapeError, from_plain, to_plain

AGENT_DEADLINE_S = 15.0
HANDSHAKE_DEADLINE_S = 3.0
_WORKERS = 4


def lab_status(
    client: DockerClient,
    lab: RunningLab,
    networks: Mapping[str, NetworkInForce] | None = None,
) -> dict[str, Any]:
    """The state of every node and link and of the Tor network, as plain values.

    `networks` is machine → what was just found in force there; None has it read anew. What
    cannot be read because its node is down is None, with the reason in `problems`.
    """
    problems = [
        f"{node.name} is {node.state} (exit status {node.exit_code})" for node in lab.stopped
    ]
    specs = _attempt(problems, _networks, lab) or {}
    running = {node.name for node in lab.nodes if node.state == "running"}
    clients = sorted(name for name in running if _runs_tor_client(lab, name))
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        tor = {name: pool.submit(_attempt, problems, _tor_status, lab, name) for name in clients}
        murmurs = {
            node.name: pool.submit(_attempt, problems, _murmur_status, lab, node.name)
            for node in lab.nodes
            if node.role == Role.MUMBLE_SERVER and node.name in running
        }
        shown = networks or _show_networks(
            pool, problems, lab, {name: specs[name] for name in specs if name in running}
        )
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
                "state": node.state,
                "image": _image(client, node.container_id),
                "links": _links(shown.get(node.name), specs.get(node.name)),
                "congestion_control": _congestion_control(shown.get(node.name)),
            }
            for node in lab.nodes
        ],
        "tor": {name: status.result() for name, status in tor.items()},
        "mumble": {name: status.result() for name, status in murmurs.items()},
        "problems": problems,
    }


def _attempt(problems: list[str], read: Any, *arguments: Any) -> Any:
    try:
        return read(*arguments)
    except LabError as error:
        problems.append(error.message)
        return None


def _networks(lab: RunningLab) -> dict[str, MachineNetwork]:
    """Machine → what was set there."""
    path = storage.project_directory(lab.name) / NETWORKS
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return {name: from_plain(MachineNetwork, network) for name, network in plain.items()}
    except OSError as error:
        raise LabError(
            f"the project of lab {lab.name} cannot be read: {path}: {error.strerror}",
            f"If LAB_HOME was changed, set it back; or `lab down {lab.name}`.",
        ) from error
    except ShapeError as error:
        raise LabError(
            f"lab {lab.name} was brought up by another version of this program: {error}",
            f"`lab down {lab.name}`.",
        ) from error


def _show_networks(
    pool: ThreadPoolExecutor,
    problems: list[str],
    lab: RunningLab,
    specs: Mapping[str, MachineNetwork],
) -> dict[str, NetworkInForce]:
    """Machine → what is in force there now; machines that cannot be asked are left out."""
    asked = {
        name: pool.submit(_attempt, problems, _show_network, lab, spec)
        for name, spec in specs.items()
    }
    return {name: shown for name, future in asked.items() if (shown := future.result())}


def _show_network(lab: RunningLab, network: MachineNetwork) -> NetworkInForce:
    with start_network_helper(lab, network.node, image_tag("net"), NETWORK) as helper:
        return helper.ask(ShowNetwork(network), NetworkInForce, AGENT_DEADLINE_S)


def _tor_status(lab: RunningLab, node: str) -> dict[str, Any]:
    with start_plain_agent(lab, node, "tor.circuits") as agent:
        status = agent.ask({"op": "status"}, AGENT_DEADLINE_S)
    if not status["client"]:
        return {"bootstrap_pct": 0, "version": None, "relays": 0, "descriptors": 0}
    progress = re.search(r"PROGRESS=(\d+)", status["bootstrap"])
    return {
        "bootstrap_pct": int(progress[1]) if progress else None,
        "version": status["version"],
        "relays": len(status["consensus"]),
        "descriptors": len(status["descriptors"]),
        "consensus_valid_after": status["valid_after"],
    }


def _murmur_status(lab: RunningLab, node: str) -> dict[str, Any]:
    """Whether Murmur takes calls: the TLS version and cipher suite it agreed to just now."""
    with start_agent(lab, node, HANDSHAKE) as agent:
        order = AwaitHandshake(node, HANDSHAKE_DEADLINE_S)
        return {"tls": agent.ask(order, Listening, AGENT_DEADLINE_S).tls}


def _runs_tor_client(lab: RunningLab, node: str) -> bool:
    return (storage.project_directory(lab.name) / "nodes" / node / "tor").is_dir() and (
        lab.node(node).role == "endpoint"
    )


def _pbx(lab: RunningLab) -> str | None:
    roles = {node.role for node in lab.nodes}
    if "pbx" not in roles:
        return None
    return "kamailio" if "media-proxy" in roles else "freeswitch"


def _image(client: DockerClient, container_id: str) -> str:
    return str(client.api.inspect_container(container_id)["Config"]["Image"])


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
        }
        for link in (configured.links if configured else ())
    ]
