"""Processor time and memory of every node, as Docker counts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from docker import DockerClient
from docker.errors import APIError, NotFound

from lab.engine.discovery import RunningLab, RunningNode
from lab.engine.hosts import client_of
from lab.measure.host_load import NodeUsage


def read_usage(client: DockerClient, lab: RunningLab) -> dict[str, NodeUsage]:
    """A reading of every node that runs; a node that has gone has none."""
    return begin_reading(client, lab)()


def begin_reading(client: DockerClient, lab: RunningLab) -> Callable[[], dict[str, NodeUsage]]:
    """Begin to read every node that runs; what is returned waits for the readings.

    Docker takes a second for each of them, and up to a second for all of them at once.
    """
    nodes = [node for node in lab.nodes if node.state == "running"]
    pool = ThreadPoolExecutor(max_workers=max(1, len(nodes)))
    readings = pool.map(lambda node: _read(client, node), nodes)
    pool.shutdown(wait=False)

    def finish() -> dict[str, NodeUsage]:
        found = zip(nodes, readings, strict=True)
        return {node.name: reading for node, reading in found if reading is not None}

    return finish


def _read(client: DockerClient, node: RunningNode) -> NodeUsage | None:
    try:
        stats = client_of(client, node.engine).api.stats(
            node.container_id, stream=False, one_shot=True
        )
    except (APIError, NotFound):
        return None
    memory = stats.get("memory_stats", {})
    return NodeUsage(
        at_s=datetime.fromisoformat(stats["read"]).timestamp(),
        cpu_s=stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9,
        memory_bytes=memory.get("usage", 0) - _reclaimable(memory.get("stats", {})),
    )


def _reclaimable(memory: Mapping[str, int]) -> int:
    """File pages that nobody uses, under either version of cgroups; Docker's CLI does alike."""
    return memory.get("total_inactive_file", memory.get("inactive_file", 0))
