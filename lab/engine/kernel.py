"""What the engine's kernel can do for a node, asked by a short-lived container."""

from __future__ import annotations

from docker import DockerClient

from lab.engine.short_run import printed_by
from lab.errors import LabError
from lab.wire.kernel import KERNEL, KernelAbilities
from lab.wire.plain import ShapeError


def probe(client: DockerClient, net_image: str) -> KernelAbilities | None:
    """Run `lab.agents.net.kernel` in a namespace of its own; None without its image.

    LabError where Docker will not start it, and where it does not tell.
    """
    command = ["python3", "-m", f"lab.agents.{KERNEL.program}"]
    try:
        printed = printed_by(client, net_image, command, cap_add=["NET_ADMIN"])
        if printed is None:
            return None
        found = KERNEL.read_event(printed)
    except LabError as error:
        raise LabError(f"the kernel could not be probed: {error.message}", error.hint) from error
    except ShapeError as error:
        raise LabError(f"the kernel could not be probed: {error}") from error
    assert isinstance(found, KernelAbilities)
    return found
