"""The telephone exchanges this host could run: version and licence, asked of their images."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docker import DockerClient
from docker.errors import APIError, ContainerError, ImageNotFound

FREESWITCH_LICENCE = "MPL 1.1, no part of this project"
PACKAGES = {
    "kamailio": ("kamailio", "GPL 2 or later"),
    "rtpengine": ("rtpengine-daemon", "GPL 3 or later"),
    "mumble-server": ("mumble-server", "BSD, 3 clauses"),
}
"""Image role → the Debian package in it and its licence."""


def freeswitch_version(client: DockerClient, image: str) -> str | None:
    """The version that the `freeswitch` of an image tells, such as 1.10.12; None if it is not here.

    ValueError, with the reason, where the image is here and has no such program.
    """
    printed = _run(client, image, ["freeswitch"], ["-version"])
    if printed is None:
        return None
    match = re.search(r"version: (\d+(?:\.\d+)+)", printed)
    if not match:
        raise ValueError(f"it says {printed.strip()[:80]!r}")
    return match[1]


def package_version(client: DockerClient, image: str, package: str) -> str | None:
    """The version of a Debian package in an image; None where the image is not here."""
    return _run(client, image, ["dpkg-query"], ["--show", "--showformat=${Version}", package])


def _run(
    client: DockerClient, image: str, program: Sequence[str], arguments: Sequence[str]
) -> str | None:
    try:
        client.images.get(image)  # `run` would ask a registry for it
        printed: bytes = client.containers.run(
            image,
            list(arguments),
            entrypoint=list(program),
            remove=True,
            network_mode="none",
            user="10001:10001",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            read_only=True,
        )
    except ImageNotFound:
        return None
    except ContainerError as error:
        raise ValueError(f"{program[0]} ended with exit status {error.exit_status}") from error
    except APIError as error:
        if "executable file not found" in str(error.explanation):
            raise ValueError(f"there is no program {program[0]} in its search path") from error
        raise ValueError(str(error.explanation)) from error
    return printed.decode(errors="replace")
