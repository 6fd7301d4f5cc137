"""What the engine's kernel can do for a node, asked by a short-lived container."""

from __future__ import annotations

import json
from dataclasses import dataclass

from docker import DockerClient
from docker.errors import APIError, ContainerError, ImageNotFound

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

    LabError where Docker will not start it.
    """
    try:
        client.images.get(net_image)  # `run` would ask a registry for it
        printed = client.containers.run(
            net_image,
            ["python3", "-m", "lab.agents.net.kernel_probe"],
            remove=True,
            network_mode="none",
            cap_drop=["ALL"],
            cap_add=["NET_ADMIN"],
            security_opt=["no-new-privileges"],
            read_only=True,
        )
    except ImageNotFound:
        return None
    except (APIError, ContainerError) as error:
        raise LabError("The kernel could not be probed.", str(error)) from error
    found = json.loads(printed)
    return KernelAbilities(
        found["qdiscs"],
        found["links"],
        tuple(found["congestion_controls"]),
        found["default_congestion_control"],
    )
