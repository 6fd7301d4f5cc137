"""What a topology asks of one node's Tor: rendered into its torrc, and read back when it runs."""

from __future__ import annotations

from lab.topology.model import Node, Topology
from lab.topology.tor import CONFLUX_SINCE
from lab.tor_versions import DEFAULT, TOR_VERSIONS, TorVersion

_BITS_PER_BYTE = 8
_SCHEDULERS = {"kist": "KIST", "kistlite": "KISTLite"}


def version_of(node: Node) -> TorVersion:
    """The Tor that the node runs; the default one where it names none."""
    return TOR_VERSIONS[node.tor_version or DEFAULT]


def tor_options(topology: Topology, node: Node) -> dict[str, str]:
    """Options of tor → values, as tor itself gives them back (GETCONF)."""
    settings, options = topology.tor, dict[str, str]()
    if settings.scheduler is not None:
        options["Schedulers"] = _SCHEDULERS[settings.scheduler]
    if node.bandwidth_rate_kbps is not None:
        options["BandwidthRate"] = _bytes_per_s(node.bandwidth_rate_kbps)
        options["BandwidthBurst"] = _bytes_per_s(
            node.bandwidth_burst_kbps or node.bandwidth_rate_kbps
        )
    is_client = node.role not in ("relay", "bridge")
    if is_client and version_of(node).number >= CONFLUX_SINCE:
        options["ConfluxEnabled"] = str(int(settings.conflux != "off"))
        if settings.conflux != "off":
            options["ConfluxClientUX"] = settings.conflux
    return options


def _bytes_per_s(rate_kbps: int) -> str:
    return str(rate_kbps * 1000 // _BITS_PER_BYTE)
