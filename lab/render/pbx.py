"""The configuration of the telephone exchange, FreeSWITCH or Kamailio with rtpengine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lab.topology.model import Link, Node, PbxKind, Role, Topology
from lab.wire import places
from lab.wire.codecs import CODECS
from lab.wire.ports import MEDIA_CONTROL_PORT, RTP_PORTS, SIP_PORT

TEMPLATES = Path(__file__).parents[2] / "compose"
KAMAILIO_REALM = "voice-tor-lab"
MEDIA_CONTROL = f"127.0.0.1:{MEDIA_CONTROL_PORT}"
"""Where rtpengine takes Kamailio's orders."""
TRANSACTION_TIMEOUT_MS = 10000
RING_TIMEOUT_MS = 30000

_SDP_NAMES = {name: codec.encoding for name, codec in CODECS.items()}
"""Kamailio and rtpengine tell codecs apart by name alone: either Speex lets both through."""
_FREESWITCH_CODECS = {
    "ILBC": "iLBC@20i",
    "SPEEX": "SPEEX@8000h",
    "SPEEX-WB": "SPEEX@16000h",
    "L16-16": "L16@16000h",
    "L16-32": "L16@32000h",
    "L16-48": "L16@48000h@10i",
}
"""FreeSWITCH's names for codecs, where they are not the topology's own."""
_FREESWITCH_MODULES = {
    "GSM": "mod_spandsp",
    "G722": "mod_spandsp",
    "ILBC": "mod_ilbc",
    "OPUS": "mod_opus",
}
"""The modules of FreeSWITCH 1.10 that bring a codec; G.711, L16 and Speex are in its core."""


def pbx_files(topology: Topology, node: Node, sip_passwords: Mapping[str, str]) -> dict[str, bytes]:
    """The files of `node`, PBX or media proxy, relative to its directory in the project.

    `sip_passwords` maps extensions to their digest passwords.
    """
    if node.role is Role.MEDIA_PROXY:
        files = render_rtpengine(topology)
    elif topology.pbx is PbxKind.FREESWITCH:
        files = render_freeswitch(topology, sip_passwords)
    else:
        files = render_kamailio(topology, sip_passwords)
    return {name: text.encode() for name, text in files.items()}


def pbx_address(topology: Topology) -> IPv4Address:
    """The one address at which the PBX listens, for every method.

    It is the PBX's machine's address on the network of a phone where it shares one, else its
    address on its last link: the side away from the callers.
    """
    (pbx,) = topology.with_role(Role.PBX)
    links = topology.machine(pbx.name).links
    return next((link for link in links if _has_phone(topology, link)), links[-1]).address


def render_kamailio(topology: Topology, sip_passwords: Mapping[str, str]) -> dict[str, str]:
    """`kamailio.cfg`; it holds no password but their digests (RFC 2617's HA1)."""
    digests = {
        extension: digest_ha1(extension, KAMAILIO_REALM, password)
        for extension, password in sip_passwords.items()
    }
    codecs = list(dict.fromkeys(_SDP_NAMES[codec] for codec in topology.codecs))
    return {
        places.in_project(places.KAMAILIO): _render(
            "kamailio.cfg.j2", topology, accounts=digests, codecs=codecs, realm=KAMAILIO_REALM
        )
    }


def render_rtpengine(topology: Topology) -> dict[str, str]:
    """`rtpengine.conf`."""
    return {places.in_project(places.RTPENGINE): _render("rtpengine.conf.j2", topology)}


def render_freeswitch(topology: Topology, sip_passwords: Mapping[str, str]) -> dict[str, str]:
    """`freeswitch/freeswitch.xml`: the whole configuration in one file."""
    text = _render(
        "freeswitch/freeswitch.xml.j2",
        topology,
        accounts=sip_passwords,
        codecs=[_FREESWITCH_CODECS.get(codec, codec) for codec in topology.codecs],
        codec_modules=sorted(
            {_FREESWITCH_MODULES[c] for c in topology.codecs if c in _FREESWITCH_MODULES}
        ),
    )
    return {places.in_project(places.FREESWITCH / "freeswitch.xml"): text}


def freeswitch_codecs(module: str) -> tuple[str, ...]:
    """The codecs that a module of FreeSWITCH brings; none for a module that is no codec's."""
    return tuple(codec for codec, brings in _FREESWITCH_MODULES.items() if brings == module)


def digest_ha1(user: str, realm: str, password: str) -> str:
    """MD5 of `user:realm:password`: all that a server must know (RFC 2617, 3.2.2.2)."""
    return hashlib.md5(f"{user}:{realm}:{password}".encode(), usedforsecurity=False).hexdigest()


def _has_phone(topology: Topology, link: Link) -> bool:
    return any(
        other.network == link.network
        for node in topology.with_role(Role.ENDPOINT)
        if node.extension
        for other in node.links
    )


def _render(template: str, topology: Topology, **values: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=template.endswith(".xml.j2"),
    )
    return environment.get_template(template).render(
        lab=topology.lab,
        address=pbx_address(topology),
        port=SIP_PORT,
        media_control=MEDIA_CONTROL,
        first_port=RTP_PORTS[0],
        last_port=RTP_PORTS[1],
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        ring_timeout_ms=RING_TIMEOUT_MS,
        **values,
    )
