"""Make a lab that is up one of which all that does not run can be started."""

from __future__ import annotations

from collections.abc import Mapping

from docker import DockerClient

from lab.engine.discovery import RunningLab, find_lab
from lab.engine.execution import start_delay_line
from lab.engine.project import remove_containers, resume_containers, stop_containers
from lab.topology.model import Topology


def resume_paused(client: DockerClient, running: RunningLab, only: str | None = None) -> RunningLab:
    """Let nodes go on that are paused, or `only` one; the lab as it is then."""
    paused = [
        node for node in running.nodes if node.state == "paused" and only in (None, node.name)
    ]
    resume_containers(client, paused)
    return find_lab(client, running.name) if paused else running


def have_startable(
    client: DockerClient, running: RunningLab, topology: Topology, images: Mapping[str, str]
) -> RunningLab:
    """A lab that is up, and of which all that does not run can be started from here on."""
    _stop_what_shares_stopped_machines(client, running, topology)
    running = find_lab(client, running.name) if running.stopped else running
    _renew_lines(client, running, topology, images)
    return running


def _stop_what_shares_stopped_machines(
    client: DockerClient, running: RunningLab, topology: Topology
) -> None:
    """Stop nodes and delay lines of a machine that has stopped: they would keep its old network.

    Only started after it do they share the new one.
    """
    stopped = {node.name for node in running.stopped}
    stop_containers(
        client,
        [running.node(guest) for machine in stopped for guest in topology.guests(machine)]
        + [
            line
            for machine, line in running.delay_lines.items()
            if machine in stopped and line.state == "running"
        ],
    )


def _renew_lines(
    client: DockerClient, running: RunningLab, topology: Topology, images: Mapping[str, str]
) -> None:
    """Let the delay lines begin anew that `lab link set` had started and that have ended.

    Links that went through one do so as long as their machine runs; that is set up again, as
    everything that the lab lacks. Where the machine has stopped, none is wanted any more.
    """
    stopped = {node.name for node in running.stopped}
    wanted = {node.name for node in topology.nodes if node.has_delays}
    for machine, line in running.delay_lines.items():
        if line in running.stopped and machine not in wanted:
            remove_containers(client, [line])
            if machine not in stopped:
                start_delay_line(running, machine, images["delay-line"])
