"""The PBX's configuration as it is rendered: compared with files that were seen to work.

After a deliberate change `python tests/unit/test_pbx_render.py` writes the files anew; read
the difference before committing it.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from hashlib import md5
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from lab.render.pbx import pbx_address
from lab.render.project import node_files
from lab.render.secrets import LabSecrets
from lab.render.tor_keys import TorKeys
from lab.topology.model import (
    Link,
    Network,
    Node,
    PbxKind,
    PbxProfile,
    Topology,
    TorSettings,
    Vpn,
)
from lab.wire.codecs import CODECS

GOLDEN = Path(__file__).parent / "golden" / "pbx"
PASSWORDS = {"callee": "callee-secret", "caller": "caller-secret"}


def node(name: str, role: str, on: str | None = None, **links: str) -> Node:
    attached = tuple(Link(network, IPv4Address(ip), None) for network, ip in links.items())
    return Node(name, role, attached, on, routes=(), forwards=False)


def topology(pbx: PbxKind = PbxKind.KAMAILIO, codecs: tuple[str, ...] = ("PCMU",)) -> Topology:
    server = node("server", "vpn-server", office="10.2.0.10", hosting="10.1.0.10")
    return Topology(
        lab="demo",
        name="demo",
        description="",
        block=IPv4Network("10.0.0.0/8"),
        networks=tuple(
            Network(name, IPv4Network(f"10.{n}.0.0/24"), IPv4Address(f"10.{n}.0.1"))
            for n, name in enumerate(("home", "hosting", "office"))
        ),
        nodes=(
            replace(node("caller", "endpoint", home="10.0.0.11"), extension="1001"),
            server,
            node("pbx", "pbx", on="server"),
            node("pbx-media", "media-proxy", on="server"),
            replace(node("callee", "endpoint", office="10.2.0.11"), extension="1008"),
        ),
        pbx=pbx,
        codecs=codecs,
        vpn=Vpn(IPv4Network("10.8.0.0/24"), IPv4Address("10.8.0.1"), 1194, "AES-256-GCM", "SHA512"),
        tor=TorSettings(10, ()),
        congestion_control="cubic",
    )


KAMAILIO = topology(PbxKind.KAMAILIO, tuple(CODECS))
FREESWITCH = topology(PbxKind.FREESWITCH, tuple(CODECS))


def rendered(lab: Topology) -> dict[str, str]:
    nodes = [*lab.with_role("pbx")]
    if lab.pbx is PbxKind.KAMAILIO:
        nodes.extend(lab.with_role("media-proxy"))
    return {
        name: content.decode()
        for one in nodes
        for name, content in node_files(lab, one, known(PASSWORDS)).items()
    }


def known(passwords: dict[str, str]) -> LabSecrets:
    return LabSecrets({"sip": passwords}, {}, TorKeys({}, ""))


@pytest.mark.parametrize("lab", [KAMAILIO, FREESWITCH], ids=lambda lab: str(lab.pbx))
def test_the_rendered_files_are_the_golden_ones(lab: Topology) -> None:
    files = rendered(lab)
    assert files == {name: (GOLDEN / name).read_text() for name in files}


def test_the_stock_profile_has_a_timer_of_its_own_and_throws_away_what_piles_up() -> None:
    stock = rendered(replace(FREESWITCH, pbx_profile=PbxProfile.STOCK))["freeswitch/freeswitch.xml"]
    params = {p.get("name"): p.get("value") for p in ET.fromstring(stock).iter("param")}
    assert params["rtp-timer-name"] == "soft"
    assert "suppress-cng" not in params
    assert "autoflush" not in stock
    steady = rendered(replace(FREESWITCH, pbx_profile=PbxProfile.STEADY))
    assert steady == rendered(FREESWITCH)


def test_kamailio_gets_digests_and_no_password() -> None:
    text = rendered(KAMAILIO)["kamailio.cfg"]
    assert md5(b"1001:voice-tor-lab:caller-secret").hexdigest() in text
    assert "secret" not in text


def test_the_pbx_listens_where_the_callee_sits() -> None:
    assert pbx_address(KAMAILIO) == IPv4Address("10.2.0.10")
    assert "listen=udp:10.2.0.10:5060\n" in rendered(KAMAILIO)["kamailio.cfg"]


def test_without_a_phone_beside_it_the_pbx_listens_on_its_machines_last_link() -> None:
    far = replace(KAMAILIO, nodes=tuple(n for n in KAMAILIO.nodes if n.name != "callee"))
    assert pbx_address(far) == IPv4Address("10.1.0.10")


def test_codecs_stand_in_the_order_of_the_topology() -> None:
    text = rendered(topology(codecs=("GSM", "SPEEX", "PCMU")))["kamailio.cfg"]
    assert "codec-strip-all codec-offer-GSM codec-offer-speex codec-offer-PCMU" in text
    assert 'sdp_with_codecs_by_name("GSM,speex,PCMU")' in text


def test_both_speex_codecs_have_one_name_in_sdp_and_two_in_freeswitch() -> None:
    both = ("PCMU", "SPEEX-WB", "SPEEX")
    assert (
        'sdp_with_codecs_by_name("PCMU,speex")' in rendered(topology(codecs=both))["kamailio.cfg"]
    )
    text = rendered(topology(PbxKind.FREESWITCH, both))["freeswitch/freeswitch.xml"]
    assert 'value="PCMU,SPEEX@16000h,SPEEX@8000h"' in text


def test_freeswitch_loads_only_the_modules_its_codecs_need() -> None:
    def modules(*codecs: str) -> set[str]:
        text = rendered(topology(PbxKind.FREESWITCH, codecs))["freeswitch/freeswitch.xml"]
        return {load.attrib["module"] for load in ET.fromstring(text).iter("load")}

    assert modules("PCMU", "SPEEX") & {"mod_spandsp", "mod_ilbc", "mod_opus"} == set()
    assert {"mod_spandsp", "mod_opus"} <= modules("GSM", "G722", "OPUS")


def test_freeswitch_passwords_survive_xml() -> None:
    lab = topology(PbxKind.FREESWITCH)
    files = node_files(lab, lab.node("pbx"), known({"caller": 'a&b"<c>'}))
    users = ET.fromstring(files["freeswitch/freeswitch.xml"]).iter("user")
    (password,) = (user.find("./params/param[@name='password']") for user in users)
    assert password is not None
    assert password.attrib["value"] == 'a&b"<c>'


if __name__ == "__main__":
    for lab in (KAMAILIO, FREESWITCH):
        for name, text in rendered(lab).items():
            (GOLDEN / name).parent.mkdir(parents=True, exist_ok=True)
            (GOLDEN / name).write_text(text)
