"""What of a lab does not run as it should: all that bringing it up again has to start."""

from __future__ import annotations

from collections.abc import Mapping

from lab.engine.discovery import RunningLab, RunningNode
from lab.render.services import helper_services
from lab.topology.model import Node, Topology


def lacking(
    topology: Topology, running: RunningLab, helpers: Mapping[str, RunningNode]
) -> frozenset[str]:
    """The compose services that are to be started: nodes, and what stands beside machines.

    `helpers` is machine → its net helper. What is well is left alone: to start a net helper again
    is to shape the links of its machine anew, also those that their user has shaped.
    """
    up = {node.name for node in running.nodes if node.state == "running"}
    services: set[str] = set()
    for node in topology.nodes:
        machine = topology.machine(node.name).name
        if node.name not in up or machine not in up:
            services.add(node.name)
        if node.on is None and not (node.name in up and _is_set_up(node, running, helpers)):
            services.update((node.name, *helper_services(node)))
    return frozenset(services)


def _is_set_up(node: Node, running: RunningLab, helpers: Mapping[str, RunningNode]) -> bool:
    """Whether a machine has its network, as far as those tell that had to give it.

    Not where a delay line has ended, also one that `lab link set` had started: what goes through
    that arrives nowhere.
    """
    helper, line = helpers.get(node.name), running.delay_lines.get(node.name)
    if helper is None or (helper.state, helper.exit_code) != ("exited", 0):
        return False
    return not node.has_delays if line is None else line.state == "running"
