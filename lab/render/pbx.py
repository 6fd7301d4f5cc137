"""The configuration of the telephone exchange, FreeSWITCH or Kamailio with rtpengine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

from lab.render.secrets import LabSecrets
from lab.render.templates import rendered
from lab.roles.pbx import FREESWITCH_MODULES
from lab.topology.model import Link, Node, PbxProfile, Topology
from lab.wire import places
from lab.wire.codecs import CODECS
from lab.wire.ports import MEDIA_CONTROL_PORT, RTP_PORTS, SIP_PORT

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


def kamailio_files(topology: Topology, _node: Node, secrets: LabSecrets) -> dict[str, bytes]:
    """The files of a Kamailio, relative to its node's directory in the project."""
    return _encoded(render_kamailio(topology, sip_passwords(topology, secrets)))


def freeswitch_files(topology: Topology, _node: Node, secrets: LabSecrets) -> dict[str, bytes]:
    """The files of a FreeSWITCH, as above, but for its certificate."""
    return _encoded(render_freeswitch(topology, sip_passwords(topology, secrets)))


def rtpengine_files(topology: Topology, _node: Node, _secrets: LabSecrets) -> dict[str, bytes]:
    """The files of an rtpengine, as above."""
    return _encoded(render_rtpengine(topology))


def sip_passwords(topology: Topology, secrets: LabSecrets) -> dict[str, str]:
    """Extension → digest password."""
    return {
        node.extension: password
        for node in topology.nodes
        if node.extension and (password := secrets.password("sip", node.name))
    }


def pbx_address(topology: Topology) -> IPv4Address:
    """The one address at which the PBX listens, for every method.

    It is the PBX's machine's address on the network of a phone where it shares one, else its
    address on its last link: the side away from the callers.
    """
    (pbx,) = topology.with_role("pbx")
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
        is_stock=topology.pbx_profile is PbxProfile.STOCK,
        codecs=[_FREESWITCH_CODECS.get(codec, codec) for codec in topology.codecs],
        codec_modules=sorted(
            {FREESWITCH_MODULES[c] for c in topology.codecs if c in FREESWITCH_MODULES}
        ),
    )
    return {places.in_project(places.FREESWITCH / "freeswitch.xml"): text}


def digest_ha1(user: str, realm: str, password: str) -> str:
    """MD5 of `user:realm:password`: all that a server must know (RFC 2617, 3.2.2.2)."""
    return hashlib.md5(f"{user}:{realm}:{password}".encode(), usedforsecurity=False).hexdigest()


def _has_phone(topology: Topology, link: Link) -> bool:
    return any(
        other.network == link.network
        for node in topology.nodes
        if node.extension
        for other in node.links
    )


def _render(template: str, topology: Topology, **values: Any) -> str:
    return rendered(
        template,
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


def _encoded(files: Mapping[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in files.items()}
