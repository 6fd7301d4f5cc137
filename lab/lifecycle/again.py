"""Starting again what of a lab does not run, while the rest of it goes on."""

from __future__ import annotations

from docker import DockerClient

from lab.engine.discovery import find_helpers, find_lab
from lab.engine.lock import UP_PATIENCE_S, locked
from lab.events import Began, Listener, silent
from lab.lifecycle.hosts import start_services
from lab.lifecycle.lacking import lacking
from lab.lifecycle.ready import ReadyLab
from lab.lifecycle.startable import have_startable, resume_paused
from lab.lifecycle.verify import read_networks
from lab.render.services import helper_services
from lab.topology.model import Topology


def start_again(
    client: DockerClient, lab: ReadyLab, tell: Listener = silent, only: str | None = None
) -> None:
    """Have every node run, or `only` one and its guests, with the network of the topology.

    What programs make of it afterwards, Tor for one, nobody waits for: that is `lab up`'s to
    verify. Needs no turn in the lab. LabError where a node, or its network, cannot be had.
    """
    name, topology = lab.running.name, lab.topology
    with locked(name, UP_PATIENCE_S, tell) as lock:
        running = resume_paused(client, find_lab(client, name), only)
        running = have_startable(client, running, topology, lab.images)
        wanted = lacking(topology, running, find_helpers(client, name))
        if only is not None:
            wanted &= _with_guests(topology, only)
        if wanted:
            tell(Began("starting again what does not run"))
            start_services(topology, lab.directory, lock, sorted(wanted))
            read_networks(client, topology)


def _with_guests(topology: Topology, node: str) -> frozenset[str]:
    """The services of a node, and of all that runs on its machine where it is one."""
    names = (node, *topology.guests(node))
    beside = [name for own in names for name in helper_services(topology.node(own))]
    return frozenset((*names, *beside))
