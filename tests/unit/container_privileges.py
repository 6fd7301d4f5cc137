"""What the containers of a lab may do, read from rendered projects for docs and tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network
from typing import Any

import yaml

from lab.lifecycle.plan import Plan, plan_lab, render_plan
from lab.render import labels
from lab.topology.load import find_topology, read_topology

TOPOLOGIES = ("paper", "onion", "world-bridges")
"""Together they have a node of every role."""
BLOCK = IPv4Network("10.64.0.0/16")


@dataclass(frozen=True, slots=True, order=True)
class Privileges:
    """What one container may do that a stranger's program might want to."""

    user: str
    capabilities: tuple[str, ...]
    devices: tuple[str, ...]
    writes: tuple[str, ...]
    """Directories of the host."""


def privileges() -> dict[str, set[Privileges]]:
    """What a container is → what such containers may, over all of `TOPOLOGIES`."""
    found: dict[str, set[Privileges]] = {}
    for name in TOPOLOGIES:
        for kind, service in _services(name):
            found.setdefault(kind, set()).add(_of(service))
    return dict(sorted(found.items()))


@cache
def project(name: str) -> tuple[Plan, Any]:
    """A shipped topology's plan and its compose file."""
    plan = plan_lab(read_topology(find_topology(name)), None, BLOCK)
    return plan, yaml.safe_load(render_plan(plan).files["compose.yaml"])


def _services(name: str) -> Iterator[tuple[str, Any]]:
    for service in project(name)[1]["services"].values():
        own = service["labels"]
        if labels.NODE in own:
            yield f"node, `{own[labels.ROLE]}`", service
        elif labels.DELAY_LINE in own:
            yield "the delay line beside a machine whose links take time", service
        else:
            yield "the net helper beside a machine, ends before its nodes begin", service


def _of(service: Any) -> Privileges:
    mounts = [mount for mount in service.get("volumes", ()) if not mount.endswith(":ro")]
    rules = service.get("device_cgroup_rules", ())
    return Privileges(
        user="root" if service["user"].startswith("0:") else "you",
        capabilities=tuple(service.get("cap_add", ())),
        devices=(*service.get("devices", ()), *rules),
        writes=tuple(mount.split(":")[0] for mount in mounts),
    )
