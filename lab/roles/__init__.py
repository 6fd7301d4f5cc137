"""Every role of nodes: one module each, with its `ROLE`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.registry import Registry
from lab.role import Program, Role

if TYPE_CHECKING:
    from lab.topology.model import Node, Topology

ROLES: Registry[Role] = Registry(__name__, "ROLE", "role", lambda role: role.position)


def program_of(topology: Topology, node: Node) -> Program:
    """What a node of a lab runs."""
    return ROLES.all[node.role].program(topology, node)
