"""What the engine's kernel can do for a node, asked by a short-lived container."""

from __future__ import annotations

import json
from dataclasses import dataclass

from docker import DockerClient

from lab.engine.short_run import printed_by
from lab.errors import LabError


@dataclass(frozen=True, slots=True)
class KernelAbilities:
    """What was found by trying; True where the kernel knows it."""

    qdiscs: dict[str, bool]
    links: dict[str, bool]
    """Kinds of network device."""
    congestion_controls: tuple[str, ...]
    default_congestion_control: str


def probe(client: DockerClient, net_image: str) -> KernelAbilities | None:
    """Run `lab.agents.net.kernel_probe` in a namespace of its own; None without its image.

    LabError where Docker will not start it, and where it does not tell.
    """
    command = ["python3", "-m", "lab.agents.net.kernel_probe"]
    try:
        printed = printed_by(client, net_image, command, cap_add=["NET_ADMIN"])
    except LabError as error:
        raise LabError(f"the kernel could not be probed: {error.message}", error.hint) from error
    if printed is None:
        return None
    found = json.loads(printed)
    return KernelAbilities(
        found["qdiscs"],
        found["links"],
        tuple(found["congestion_controls"]),
        found["default_congestion_control"],
    )
