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
from lab.engine.execution import start_network_helper, start_plain_agent
from lab.errors import LabError
from lab.images.build import image_tag
from lab.topology.model import Role

AGENT_DEADLINE_S = 15.0
HANDSHAKE_DEADLINE_S = 3.0
_WORKERS = 4


def lab_status(
    client: DockerClient,
    lab: RunningLab,
    networks: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The state of every node and link and of the Tor network, as plain values.

    `networks` is machine → what was just found in force there; None has it read anew. What
    cannot be read because its node is down is None, with the reason in `problems`.
    """
    problems = [
        f"{node.name} is {node.state} (exit status {node.exit_code})" for node in lab.stopped
    ]
    specs = _attempt(problems, _network_specs, lab) or {}
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
                "congestion_control": (shown.get(node.name) or {}).get("congestion_control"),
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


def _network_specs(lab: RunningLab) -> dict[str, dict[str, Any]]:
    path = storage.project_directory(lab.name) / "networks.json"
    try:
        specs: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(
            f"the project of lab {lab.name} cannot be read: {path}: {error.strerror}",
            f"If LAB_HOME was changed, set it back; or `lab down {lab.name}`.",
        ) from error
    return specs


def _show_networks(
    pool: ThreadPoolExecutor,
    problems: list[str],
    lab: RunningLab,
    specs: Mapping[str, Mapping[str, Any]],
) -> dict[str, Mapping[str, Any]]:
    """Machine → what is in force there now; machines that cannot be asked are left out."""
    asked = {
        name: pool.submit(_attempt, problems, _show_network, lab, spec)
        for name, spec in specs.items()
    }
    return {name: shown for name, future in asked.items() if (shown := future.result())}


def _show_network(lab: RunningLab, spec: Mapping[str, Any]) -> dict[str, Any]:
    helper = start_network_helper(lab, spec["node"], image_tag("net"), "show", json.dumps(spec))
    with helper:
        return helper.receive(AGENT_DEADLINE_S)


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
    with start_plain_agent(lab, node, "mumble.health") as agent:
        order = {"name": node, "deadline_s": HANDSHAKE_DEADLINE_S}
        answer = agent.ask(order, AGENT_DEADLINE_S)
    return {"tls": answer["tls"]}


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


def _links(shown: Mapping[str, Any] | None, spec: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The links as they are in force, or as configured where the node does not run."""
    if shown:
        links: list[dict[str, Any]] = shown["links"]
        return links
    return [
        {
            "network": link["network"],
            "address": link["address"],
            "interface": None,
            "rate_configured_kbps": link["sends"] and link["sends"]["rate_kbps"],
            "rate_in_force_kbps": None,
            "counters": None,
        }
        for link in (spec["links"] if spec else [])
    ]
