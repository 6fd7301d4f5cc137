"""What this host has and lacks for the lab, in words a bug report can use."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from docker import DockerClient

from lab.engine import client as engine
from lab.engine import compose_plugin, kernel
from lab.engine.components import versions_in_image
from lab.engine.context import DEFAULT, endpoint
from lab.errors import LabError
from lab.images import base_image, build, context
from lab.measure.opinions import OPINIONS
from lab.role import Program
from lab.roles import ROLES
from lab.tor_versions import DEFAULT as DEFAULT_TOR
from lab.tor_versions import TOR_VERSIONS, plain_image
from lab.wire import places
from lab.wire.kernel import KernelAbilities


class State(StrEnum):
    """How a finding bears on the lab."""

    OK = "ok"
    NOTE = "note"
    """The lab works; what the detail names does not, or makes a difference to results."""
    MISSING = "missing"
    """The lab cannot run without it."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: State
    detail: str
    hint: str = ""


_SHAPING_QDISCS = ("htb", "pfifo")
_LEAST_MEMORY_GIB = 4
_AT_ONCE = 4


def examine() -> tuple[Finding, ...]:
    """Look at everything the lab stands on; nothing is changed.

    What cannot be seen without Docker is UNKNOWN when it is not there.
    """
    found = [_python(), _opinions(), _docker_cli(), _compose()]
    try:
        client = engine.connect()
    except LabError as error:
        found.insert(0, Finding("docker", State.MISSING, error.message, error.hint))
        return (*found, *_without_engine())
    try:
        found.insert(0, _docker(client))
        found += _machine(client.info())
        found += _kernel(client)
        found += _images(client)
    finally:
        client.close()
    return tuple(found)


def _python() -> Finding:
    return Finding("python", State.OK, f"{platform.python_version()} ({platform.machine()})")


def _opinions() -> Finding:
    extras = [opinion for opinion in OPINIONS if opinion.is_extra]
    lacking = [package for opinion in extras for package in opinion.lacking]
    if lacking:
        detail = f"not all can be asked: {', '.join(lacking)} not installed"
        hint = "`make setup` installs them, and so does `pip install '.[opinions]'`."
        return Finding("opinions", State.NOTE, detail, hint)
    told = (f"{opinion.title} ({opinion.version})" for opinion in extras)
    return Finding("opinions", State.OK, "; ".join(told))


def _docker_cli() -> Finding:
    path = shutil.which("docker")
    if path:
        return Finding("docker-cli", State.OK, path)
    hint = "Install the package docker-cli, or docker.io on Debian 12."
    return Finding("docker-cli", State.MISSING, "the command docker is not there", hint)


def _compose() -> Finding:
    try:
        command = compose_plugin.compose_command()
    except LabError as error:
        return Finding("compose", State.MISSING, error.message, error.hint)
    return Finding("compose", State.OK, f"{compose_plugin.version(command)} ({' '.join(command)})")


def _docker(client: DockerClient) -> Finding:
    server, info = client.version(), client.info()
    detail = f"{server['Version']}, API {server['ApiVersion']}, storage driver {info['Driver']}"
    if (context := endpoint().context) != DEFAULT:
        detail += f", context {context}"
    return Finding("docker", State.OK, detail)


def _without_engine() -> Iterator[Finding]:
    yield Finding("kernel", State.OK, platform.release())
    yield Finding("cores", State.OK, str(os.cpu_count()))
    yield _tun(local=True)
    for name in ("qdiscs", "delays", "congestion-control", "bridge-nf-call-iptables", "images"):
        yield Finding(name, State.UNKNOWN, "only Docker can tell")


def _machine(info: dict[str, Any]) -> Iterator[Finding]:
    yield Finding("kernel", State.OK, f"{info['KernelVersion']} on {info['OperatingSystem']}")
    cores = info["NCPU"]
    yield Finding(
        "cores",
        State.OK if cores >= 2 else State.NOTE,
        str(cores),
        "" if cores >= 2 else "With one core most calls will be invalid: senders fall behind.",
    )
    memory_gib = info["MemTotal"] / 2**30
    yield Finding(
        "memory",
        State.OK if memory_gib >= _LEAST_MEMORY_GIB else State.NOTE,
        f"{memory_gib:.1f} GiB",
    )
    yield Finding("cgroup", State.OK, f"v{info.get('CgroupVersion', '1')}")
    filtered = info.get("BridgeNfIptables")
    yield Finding(
        "bridge-nf-call-iptables",
        State.OK,
        "1: bridged packets pass iptables" if filtered else "0: bridged packets pass no iptables",
    )
    yield _tun(local=endpoint().is_local)


def _tun(*, local: bool) -> Finding:
    if not local:
        return Finding("tun", State.UNKNOWN, "Docker runs on another machine")
    if Path(places.TUN).is_char_device():
        return Finding("tun", State.OK, str(places.TUN))
    hint = "Load it with `modprobe tun`; calls by vpn and v-tor need it, and links that take time."
    return Finding("tun", State.MISSING, f"{places.TUN} is not there", hint)


def _kernel(client: DockerClient) -> Iterator[Finding]:
    try:
        abilities = kernel.probe(client, build.image_tag("net"))
    except LabError as error:
        yield Finding("qdiscs", State.UNKNOWN, error.message, error.hint)
        return
    if abilities is None:
        for name in ("qdiscs", "delays", "congestion-control"):
            yield Finding(
                name, State.UNKNOWN, "the image that can tell is not built", "Run `lab setup`."
            )
        return
    lacking = [kind for kind, known in abilities.qdiscs.items() if not known]
    hints = []
    if not all(abilities.qdiscs[kind] for kind in _SHAPING_QDISCS):
        hints.append("Without htb and pfifo no link can be capped.")
    detail = _known(abilities.qdiscs)
    if lacking:
        detail += f"; not in this kernel: {' '.join(lacking)}"
    yield Finding("qdiscs", State.NOTE if hints else State.OK, detail, " ".join(hints))
    yield delays_finding(
        abilities, tun=Path(places.TUN).is_char_device() or not endpoint().is_local
    )
    yield Finding(
        "link-kinds",
        State.OK if all(abilities.links.values()) else State.NOTE,
        _known(abilities.links),
    )
    yield Finding(
        "congestion-control",
        State.OK if "cubic" in abilities.congestion_controls else State.NOTE,
        f"{' '.join(abilities.congestion_controls)}; "
        f"default {abilities.default_congestion_control} (the lab sets its own)",
    )


def delays_finding(abilities: KernelAbilities, *, tun: bool) -> Finding:
    """Whether links can take time and lose packets; `tun` is whether TAP devices can be made."""
    lacking = [] if abilities.qdiscs.get("clsact") else ["clsact (`modprobe sch_ingress`)"]
    lacking += [] if tun else [f"{places.TUN} (`modprobe tun`)"]
    if lacking:
        detail = f"no link can take time or lose packets without {' and '.join(lacking)}"
        hint = "Topologies without delay, jitter, loss and distances do not need it."
        return Finding("delays", State.NOTE, detail, hint)
    return Finding("delays", State.OK, "links can take time and lose packets (clsact, TAP)")


def _known(kinds: Mapping[str, bool]) -> str:
    return " ".join(kind for kind, known in kinds.items() if known)


def _images(client: DockerClient) -> Iterator[Finding]:
    if base_image.present(client):
        yield Finding("base-image", State.OK, context.BASE_IMAGE)
    else:
        yield Finding(
            "base-image", State.NOTE, f"{context.BASE_IMAGE} is not here", "Run `lab setup`."
        )
    lacking = build.missing(client)
    if lacking:
        yield Finding(
            "images", State.MISSING, f"not built: {' '.join(lacking)}", "Run `lab setup`."
        )
    else:
        yield Finding("images", State.OK, " ".join(context.roles()))
    yield tor_versions_finding(built_tors(client))
    yield from _programs(client)


def built_tors(client: DockerClient) -> dict[str, list[str]]:
    """Version of Tor → its images that are not built, of the versions beside the default one."""
    found: dict[str, list[str]] = {name: [] for name in TOR_VERSIONS if name != DEFAULT_TOR}
    for image in context.with_other_tor():
        if (plain := plain_image(image)) and not build.present(client, build.image_tag(image)):
            found[plain[1].name].append(image)
    return found


def tor_versions_finding(lacking: Mapping[str, list[str]]) -> Finding:
    """Which versions of Tor a topology may name, and which images of them are not built."""
    told = [f"{DEFAULT_TOR} (default)"]
    told += [f"{name}{' (not built)' if images else ''}" for name, images in lacking.items()]
    absent = [image for images in lacking.values() for image in images]
    hint = ""
    if absent:
        hint = f"`lab up` builds what a topology names, or `lab setup {' '.join(absent)}`."
    return Finding("tor-versions", State.OK, ", ".join(told), hint)


def _programs(client: DockerClient) -> Iterator[Finding]:
    """What nodes run, with versions and licences."""

    def look(program: Program) -> Finding:
        tag = program.users_image.tag if program.users_image else build.image_tag(program.image)
        try:
            here = build.present(client, tag)
            versions = versions_in_image(client, program, tag) if here else None
        except LabError as error:
            return program_finding(program, tag, error)
        return program_finding(program, tag, versions)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(look, programs_told())


def programs_told() -> tuple[Program, ...]:
    """Every program of a role of which something is told, one for each image."""
    told = {p.image: p for role in ROLES for p in role.programs if p.components}
    return tuple(told.values())


def program_finding(
    program: Program, tag: str, versions: Mapping[str, str] | LabError | None
) -> Finding:
    """What is told of a program: `versions` by component, why they are not known, or no image."""
    users, name = program.users_image, program.image
    if users:
        hint = f"{users.variable} names another image."
        if versions is None:
            return Finding(name, State.NOTE, f"{tag} is not here; {users.without}", hint)
        if isinstance(versions, LabError):
            detail = f"{tag} is here, but cannot be used: {versions.message}"
            return Finding(name, State.NOTE, detail, hint)
        return Finding(name, State.OK, f"{_told(program, versions)} in {tag}; {users.taken}")
    if versions is None:
        return Finding(name, State.UNKNOWN, "its image is not built", "Run `lab setup`.")
    if isinstance(versions, LabError):
        detail = f"its image is here, but does not tell: {versions.message}"
        return Finding(name, State.UNKNOWN, detail, versions.hint)
    return Finding(name, State.OK, _told(program, versions))


def _told(program: Program, versions: Mapping[str, str]) -> str:
    return ", ".join(
        f"{component.name} {versions.get(component.name, 'of an unknown version')} "
        f"({component.licence})"
        for component in program.components
    )
