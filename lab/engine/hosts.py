"""The engines of the hosts that a lab spans: who has which, and speaking to the right one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from docker import DockerClient

from lab.engine.client import open_engine
from lab.engine.context import Endpoint
from lab.errors import LabError
from lab.render import labels
from lab.topology.model import HERE, Topology

TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class HostEngine:
    """A host of a lab, and its engine."""

    host: str
    engine: str
    """Its address; empty of the one that `docker` uses here."""
    client: DockerClient


def client_of(client: DockerClient, engine: str) -> DockerClient:
    """The connection to `engine`; where that is empty it is `client`, the one to this host's.

    LabError where it does not answer.
    """
    return _connected(engine, os.getpid()) if engine else client


@lru_cache(maxsize=64)
def _connected(engine: str, _process: int) -> DockerClient:
    """One connection is used again, but never by a process that was forked from its owner."""
    return open_engine(
        Endpoint(engine, engine),
        f"the Docker engine at {engine}",
        f"`docker --host {engine} info` shows what is wrong.",
        TIMEOUT_S,
    )


def connect_to(host: str, engine: str) -> DockerClient:
    """The engine of a lab's host that is not this one; LabError where it does not answer."""
    try:
        return _connected(engine, os.getpid())
    except LabError as error:
        raise LabError(f"host {host}: {error.message}", error.hint) from error


def docker_command(engine: str) -> list[str]:
    """How the `docker` command begins that speaks to `engine`."""
    return ["docker", "--host", engine] if engine else ["docker"]


def environment_for(engine: str) -> dict[str, str]:
    """The environment in which Compose speaks to `engine`."""
    if not engine:
        return dict(os.environ)
    keys = ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_TLS")
    kept = {name: value for name, value in os.environ.items() if name not in keys}
    return kept | {"DOCKER_HOST": engine}


def engines_in(own: Mapping[str, str]) -> dict[str, str]:
    """Host → engine, of the other hosts that the labels of a container or a network tell of."""
    told = own.get(labels.HOSTS)
    if told is None:
        return {}
    return {str(host): str(engine) for host, engine in json.loads(told).items()}


def other_engines(client: DockerClient, lab: str) -> dict[str, str]:
    """Host → engine, of the other hosts of a lab; empty where it spans none, or is not here."""
    wanted = {"label": [f"{labels.LAB}={lab}", labels.HOSTS]}
    for container in client.api.containers(all=True, filters=wanted):
        return engines_in(container["Labels"])
    for network in client.networks.list(filters=wanted):
        return engines_in(network.attrs["Labels"])
    return {}


def hosts_of(client: DockerClient, lab: str) -> Iterator[HostEngine]:
    """Every host that has something of a lab, this one first; LabError where one is away."""
    yield HostEngine(HERE, "", client)
    for host, engine in other_engines(client, lab).items():
        yield HostEngine(host, engine, connect_to(host, engine))


def engines_of(client: DockerClient, topology: Topology) -> tuple[HostEngine, ...]:
    """The engine of every host that a lab is to span, this one first.

    LabError where one does not answer, or where two hosts turn out to have the same.
    """
    here = HostEngine(HERE, "", client)
    found = [here] + [
        HostEngine(host.name, host.engine, connect_to(host.name, host.engine))
        for host in topology.others
    ]
    if len(found) == 1:
        return (here,)
    owners: dict[tuple[str, str], str] = {}
    for each in found:
        told = each.client.info()
        # Two engines of one machine may share the file that their id comes from.
        owner = owners.setdefault((told["ID"], told["DockerRootDir"]), each.host)
        if owner != each.host:
            raise LabError(
                f"hosts {owner} and {each.host} have the same Docker engine",
                "Give each host of the topology an engine of its own.",
            )
    return tuple(found)
