"""Which address block a new lab takes: one that nothing on this host uses."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from docker import DockerClient

from lab.errors import LabError

POOL = IPv4Network("10.128.0.0/12")
"""Labs take their blocks from here, lowest first."""


def free_block(taken: Iterable[IPv4Network], prefix: int) -> IPv4Network:
    """The first block of the pool, a /`prefix`, that overlaps nothing in `taken`.

    LabError where none is.
    """
    in_use = list(taken)
    for block in POOL.subnets(new_prefix=prefix):
        if not any(block.overlaps(network) for network in in_use):
            return block
    raise LabError(
        f"no address block is free in {POOL} (a /{prefix})",
        "Take down labs that are no longer needed (`lab status`, `lab down --all`).",
    )


def taken_networks(
    client: DockerClient, routes: Path = Path("/proc/net/route")
) -> list[IPv4Network]:
    """The subnets of every Docker network and every route of this host."""
    subnets = [
        IPv4Network(config["Subnet"])
        for network in client.networks.list()
        for config in (network.attrs["IPAM"]["Config"] or ())
        if ":" not in config["Subnet"]
    ]
    return subnets + host_routes(routes.read_text(encoding="utf-8") if routes.exists() else "")


def host_routes(table: str) -> list[IPv4Network]:
    """The destinations in the text of /proc/net/route, without the default route."""
    networks = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        destination, mask = (
            IPv4Address(int.from_bytes(bytes.fromhex(fields[column]), "little"))
            for column in (1, 7)
        )
        if int(mask):
            networks.append(IPv4Network(f"{destination}/{mask}"))
    return networks
