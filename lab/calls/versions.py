"""Which version of every component carried a call."""

from __future__ import annotations

import platform
from functools import cache

from lab import __version__
from lab.engine.discovery import RunningLab
from lab.engine.execution import run_in
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.topology.model import PbxKind, Role

_PACKAGES = {
    Role.RELAY: ("tor",),
    Role.ENDPOINT: ("openvpn", "libopus0"),
    Role.PBX: ("kamailio",),
    Role.MUMBLE_SERVER: ("mumble-server",),
    Role.MEDIA_PROXY: ("rtpengine-daemon",),
}
"""The Debian packages that matter, by the role whose image holds them."""


def component_versions(lab: ReadyLab) -> dict[str, str]:
    """Lab, kernel, the programs inside the nodes and the images, by name."""
    versions = {"lab": __version__, "kernel": platform.release()}
    for role, packages in _PACKAGES.items():
        nodes = lab.topology.with_role(role)
        if not nodes:
            continue
        if role is Role.PBX and lab.topology.pbx is PbxKind.FREESWITCH:
            versions |= _freeswitch(lab.running, nodes[0].name)
        else:
            versions |= _debian(lab.running, nodes[0].name, packages)
    return versions | {f"image {role}": tag for role, tag in lab.images.items()}


@cache
def _debian(lab: RunningLab, node: str, packages: tuple[str, ...]) -> dict[str, str]:
    shown = "--showformat=${Package} ${Version}\n"
    text = run_in(lab, node, ["dpkg-query", "--show", shown, *packages])
    return dict(line.split(maxsplit=1) for line in text.splitlines())


@cache
def _freeswitch(lab: RunningLab, node: str) -> dict[str, str]:
    try:
        text = run_in(lab, node, ["freeswitch", "-version"])
    except LabError as error:
        return {"freeswitch": f"unknown ({error.message})"}
    return {"freeswitch": text.strip().removeprefix("FreeSWITCH version: ")}
