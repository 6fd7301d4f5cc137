"""The telephone exchange through which all media pass: FreeSWITCH, or Kamailio with rtpengine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.lazy import Lazy
from lab.role import WHEN_ROUTED, Component, Program, Role, ServerSocket, UsersImage
from lab.topology.mistakes import Mistake, quoted
from lab.topology.model import Node, PbxKind
from lab.topology.names import is_name
from lab.wire import places
from lab.wire.ports import SIP_PORT

if TYPE_CHECKING:
    from lab.topology.draft import Draft
    from lab.topology.model import Topology
    from lab.topology.raw import RawNode

FREESWITCH_MODULES = {
    "GSM": "mod_spandsp",
    "G722": "mod_spandsp",
    "ILBC": "mod_ilbc",
    "OPUS": "mod_opus",
}
"""The modules of FreeSWITCH 1.10 that bring a codec; G.711, L16 and Speex are in its core."""
_NOT_LOADED = re.compile(r"Error Loading module \S*?(mod_\w+)")


def modules_not_loaded(log: str) -> tuple[str, ...]:
    """The modules that FreeSWITCH's log says it could not load, each once."""
    return tuple(dict.fromkeys(_NOT_LOADED.findall(log)))


def freeswitch_codecs(module: str) -> tuple[str, ...]:
    """The codecs that a module of FreeSWITCH brings; none for a module that is no codec's."""
    return tuple(codec for codec, brings in FREESWITCH_MODULES.items() if brings == module)


def _missing_modules(log: str, topology: Topology, image: str) -> LabError | None:
    """That FreeSWITCH runs without a module which the lab needs, with what it is for."""
    missing = modules_not_loaded(log)
    if not missing:
        return None
    return LabError(
        f"FreeSWITCH in {image} could not load "
        + ", ".join(_with_codecs(module, topology) for module in missing),
        "Take that codec out of the topology's `codecs`, or name an image with the module "
        f"in {USERS_FREESWITCH.variable}."
        if all(freeswitch_codecs(module) for module in missing)
        else f"Name an image with the module in {USERS_FREESWITCH.variable}, "
        "or write `pbx: kamailio`.",
    )


def _with_codecs(module: str, topology: Topology) -> str:
    codecs = [codec for codec in freeswitch_codecs(module) if codec in topology.codecs]
    return f"{module} (for {', '.join(codecs)})" if codecs else module


def media_proxy_name(pbx_name: str) -> str:
    """What the rtpengine beside the Kamailio called `pbx_name` is called."""
    return f"{pbx_name}-media"


def _beside(name: str, written: RawNode, pbx: PbxKind) -> tuple[Node, ...]:
    """The media proxy that a Kamailio needs on its machine."""
    if pbx is not PbxKind.KAMAILIO:
        return ()
    proxy = Node(
        name=media_proxy_name(name),
        role="media-proxy",
        links=(),
        on=written.on or name,
        routes=(),
        forwards=False,
    )
    return (proxy,)


def _check(draft: Draft) -> Iterator[Mistake]:
    """That there is one, and names that clash with what is added beside a Kamailio."""
    exchanges = draft.with_role("pbx")
    if not exchanges and draft.is_certain("nodes", "*", "role"):
        yield Mistake(("nodes",), "has no pbx; calls need a node with `role: pbx`")
    if draft.raw.pbx == KAMAILIO.image and draft.raw.pbx_profile == "stock":
        message = (
            "stock is FreeSWITCH's own profile, and rtpengine beside Kamailio has no such choice: "
            "it sends every packet on as it comes, by no timer. Write `pbx: freeswitch`, or steady"
        )
        yield Mistake(("pbx_profile",), message)
    if draft.raw.wanted_pbx == FREESWITCH.image:
        return
    for name in exchanges:
        proxy = media_proxy_name(name)
        if proxy in draft.raw.nodes:
            message = f"is the name of the media proxy that goes with {quoted(name)}"
            yield Mistake(("nodes", proxy), message)
        if is_name(name) and not is_name(proxy):
            yield Mistake(("nodes", name), f"is too long to name its media proxy {quoted(proxy)}")


USERS_FREESWITCH = UsersImage(
    "FREESWITCH_IMAGE",
    "safarov/freeswitch:latest",
    taken="`pbx: auto` takes it",
    without="`pbx: auto` tries to pull it, else takes Kamailio",
)
FREESWITCH = Program(
    image="freeswitch",
    # In the foreground without a console, without real-time priority, without a look for NAT.
    command=(
        "freeswitch",
        *("-nf", "-nc"),
        *("-np", "-nonat", "-nonatmap"),
        # All of -conf, -log and -db or none; images differ in where they keep these themselves.
        *("-conf", str(places.FREESWITCH)),
        *("-certs", str(places.FREESWITCH)),
        *("-log", str(places.FREESWITCH_STATE / "log")),
        *("-db", str(places.FREESWITCH_STATE / "db")),
        *("-run", str(places.FREESWITCH_STATE / "run")),
        *("-temp", "/tmp"),  # noqa: S108 - a tmpfs inside the node
    ),
    files=(Lazy("lab.render.pbx", "freeswitch_files"),),
    socket=lambda _: ServerSocket("udp", SIP_PORT),
    components=(
        Component(
            "freeswitch",
            "MPL 1.1, no part of this project",
            command=("freeswitch", "-version"),
            answer=r"version: (\d.*)",
        ),
    ),
    users_image=USERS_FREESWITCH,
    # It does not start without a certificate for WebRTC, which no lab uses. Left to itself it
    # makes two, which takes it seconds of processor time at every start.
    certificates=tuple(
        places.in_project(places.FREESWITCH / name) for name in ("dtls-srtp.pem", "wss.pem")
    ),
    complaint=_missing_modules,
)
KAMAILIO = Program(
    image="kamailio",
    command=(*WHEN_ROUTED, "python3", "-m", "lab.agents.servers.kamailio"),
    files=(Lazy("lab.render.pbx", "kamailio_files"),),
    socket=lambda _: ServerSocket("udp", SIP_PORT),
    components=(Component("kamailio", "GPL 2 or later"),),
)
ROLE = Role(
    name="pbx",
    description="the telephone exchange",
    position=50,
    programs=(FREESWITCH, KAMAILIO),
    choice=lambda topology, _: {p.image: p for p in (FREESWITCH, KAMAILIO)}[topology.pbx],
    is_guest=True,
    is_single=True,
    check=_check,
    beside=_beside,
)
