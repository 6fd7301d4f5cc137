"""The telephone exchanges this host could run: version and licence, asked of their images."""

from __future__ import annotations

import re

from docker import DockerClient

from lab.engine.short_run import printed_by
from lab.errors import LabError

UNPRIVILEGED = "10001:10001"
FREESWITCH_LICENCE = "MPL 1.1, no part of this project"
PACKAGES = {
    "kamailio": ("kamailio", "GPL 2 or later"),
    "rtpengine": ("rtpengine-daemon", "GPL 3 or later"),
    "mumble-server": ("mumble-server", "BSD, 3 clauses"),
}
"""Image role → the Debian package in it and its licence."""


def freeswitch_version(client: DockerClient, image: str) -> str | None:
    """The version that the `freeswitch` of an image tells, such as 1.10.12; None if it is not here.

    LabError, with the reason, where the image is here and has no such program.
    """
    printed = printed_by(client, image, ["-version"], entrypoint=["freeswitch"], user=UNPRIVILEGED)
    if printed is None:
        return None
    match = re.search(r"version: (\d+(?:\.\d+)+)", printed)
    if not match:
        raise LabError(f"it says {printed.strip()[:80]!r}")
    return match[1]


def package_version(client: DockerClient, image: str, package: str) -> str | None:
    """The version of a Debian package in an image; None where the image is not here.

    LabError where the image is here and does not tell.
    """
    query = ["--show", "--showformat=${Version}\\n", package]
    printed = printed_by(client, image, query, entrypoint=["dpkg-query"], user=UNPRIVILEGED)
    return None if printed is None else printed.strip()
