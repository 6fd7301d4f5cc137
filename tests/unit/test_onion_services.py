"""Onion services: their keys and configuration, what a topology must have, how calls met them."""

from __future__ import annotations

import base64
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, TypeVar

import pytest
from call_directory import call_notes, make_directory, measured
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lab.engine.agent import AgentFailedError
from lab.errors import LabError
from lab.lifecycle.onion import check_service
from lab.measure.call.path import OnionWay
from lab.measure.call.rendezvous import rendezvous_faults
from lab.measure.call.tor_notes import RendezvousNotes
from lab.render.onion_keys import expanded_key, generate_onion_keys, onion_address
from lab.render.project import node_files
from lab.render.secrets import generate_secrets
from lab.topology.load import find_topology, load_topology, parse_topology
from lab.topology.mistakes import TopologyError
from lab.topology.model import PbxKind
from lab.topology.resolve import resolve
from lab.wire.messages import Event, Order
from lab.wire.onion import (
    ConnectOnion,
    DescriptorFetched,
    FetchDescriptor,
    MetCircuit,
    MetStream,
    OnionConnected,
    ReadService,
    RendezvousState,
    ServiceState,
)

EventT = TypeVar("EventT", bound=Event)
TOPOLOGY = resolve(
    load_topology(find_topology("onion")),
    "demo",
    IPv4Network("10.77.16.0/20"),
    PbxKind.KAMAILIO,
)
ADDRESS = f"{'a' * 56}.onion"


def test_an_address_is_the_one_that_tor_makes_of_a_key() -> None:
    """The Tor Project's own service, whose key its address holds."""
    address = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion"
    key = base64.b32decode(address.removesuffix(".onion").upper())[:32]
    assert onion_address(key) == address


def test_the_secret_key_is_expanded_as_in_rfc_8032() -> None:
    """The scalar times the base point is the public key: checked by the bits that are fixed."""
    seed = Ed25519PrivateKey.generate().private_bytes_raw()
    key = expanded_key(seed)
    assert (len(key), key[0] & 7, key[31] & 0xC0) == (64, 0, 0x40)


def test_keys_are_files_as_tor_writes_them_and_fresh_each_time() -> None:
    keys, others = generate_onion_keys(), generate_onion_keys()
    assert keys.address != others.address
    assert keys.files["hostname"].decode() == f"{keys.address}\n"
    public, secret = keys.files["hs_ed25519_public_key"], keys.files["hs_ed25519_secret_key"]
    assert public[:32] == b"== ed25519v1-public: type0 ==\0\0\0"
    assert secret[:32] == b"== ed25519v1-secret: type0 ==\0\0\0"
    assert (len(public), len(secret)) == (64, 96)
    assert onion_address(public[32:]) == keys.address
    assert keys.address not in repr(keys.files).replace(repr(keys.files["hostname"]), "")


def test_each_server_has_a_tor_of_its_own_and_clients_know_its_name() -> None:
    secrets = generate_secrets(TOPOLOGY)
    services = {node.name: node for node in TOPOLOGY.with_role("onion-service")}
    assert {name: (node.on, node.serves) for name, node in services.items()} == {
        "server-onion": ("server", "server"),
        "mumble-onion": ("server", "mumble"),
    }
    server = TOPOLOGY.node("server").links[0].address
    for name, port in (("server-onion", 1194), ("mumble-onion", 64738)):
        files = node_files(TOPOLOGY, services[name], secrets)
        torrc = files["tor/torrc"].decode()
        assert f"HiddenServicePort {port} {server}:{port}\n" in torrc
        assert "HiddenServiceDir /var/lib/tor/data/onion\n" in torrc
        assert "SocksPort 0\n" in torrc
    caller = node_files(TOPOLOGY, TOPOLOGY.node("caller"), secrets)
    assert f"remote {secrets.onions['server-onion'].address} 1194" in (
        caller["openvpn/onion.conf"].decode()
    )
    assert f"remote {server} 1194" in caller["openvpn/client.conf"].decode()


TEXT = find_topology("onion").read_text()
LAST_RELAYS = TEXT[TEXT.index("  relay3:") :]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (LAST_RELAYS, "", "nodes.server.onion: needs at least 4 relays"),
        ("    tor: true\n", "", "nodes.mumble.onion: needs an endpoint with `tor: true`"),
        (
            "  mumble:\n",
            "  mumble-onion:\n    role: router\n    links: {internet: }\n  mumble:\n",
            "",
        ),
        ("  pbx:\n", "  pbx:\n    onion: true\n", "is only for nodes with the role vpn-server or"),
    ],
)
def test_what_an_onion_service_needs_is_said(old: str, new: str, said: str) -> None:
    assert TEXT.count(old) == 1
    with pytest.raises(TopologyError) as caught:
        parse_topology(TEXT.replace(old, new))
    assert (said or "is the name of the onion service of 'mumble'") in str(caught.value)


OWN = MetCircuit(("g", "m", "r"), "HSCR_JOINED", 900.0, 50_000, 60_000, None)
FAR = MetCircuit(("x", "y", "m", "r"), "HSSR_JOINED", 700.0, 60_000, 50_000, None)
CLIENT = RendezvousState(
    (OWN,), (MetStream(f"{ADDRESS}:1194", True, True, "DONE"),), ("HS_CLIENT_INTRO",), 3000
)
SERVICE = RendezvousState((FAR,), (), ("HS_SERVICE_INTRO",), 500)


def test_a_call_that_met_its_service_once_has_no_faults() -> None:
    assert rendezvous_faults(CLIENT, SERVICE) == []


@pytest.mark.parametrize(
    ("client", "service", "fault"),
    [
        ({"circuits": ()}, {}, "the caller met the other on 0 circuits, not on one"),
        ({}, {"circuits": (FAR, FAR)}, "the service met the other on 2 circuits, not on one"),
        (
            {"circuits": (replace(OWN, ended="DESTROYED"),)},
            {},
            "the rendezvous circuit of the caller ended: DESTROYED",
        ),
        (
            {},
            {"circuits": (replace(FAR, read_bytes=0),)},
            "the rendezvous circuit of the service carried nothing both ways",
        ),
        (
            {"circuits": (replace(OWN, path=("g", "m", "q")),)},
            {},
            "the caller's circuit ended at q, the service's at r",
        ),
        ({"streams": ()}, {}, "no stream was carried by a rendezvous circuit"),
        (
            {"streams": (*CLIENT.streams, MetStream("10.0.0.9:1194", False, True, None))},
            {},
            "streams went another way: 10.0.0.9:1194",
        ),
    ],
)
def test_what_contradicts_one_fresh_meeting_is_said(
    client: dict[str, Any], service: dict[str, Any], fault: str
) -> None:
    assert fault in rendezvous_faults(replace(CLIENT, **client), replace(SERVICE, **service))


def notes_of_a_meeting(met: RendezvousNotes | None) -> Any:
    made = call_notes()
    assert made.path
    way = OnionWay(ADDRESS, "server-onion", ("g", "m", "r", "x", "y"))
    return call_notes(path=replace(made.path, onion=way), rendezvous=met)


def test_the_record_holds_both_sides_circuits(tmp_path: Path) -> None:
    met = RendezvousNotes({"g": "AA", "m": "BB", "r": "CC"}, (2, 0), CLIENT, SERVICE)
    record = measured(make_directory(tmp_path, notes_of_a_meeting(met)))
    assert (record.valid, record.invalid_reasons) == (True, [])
    assert (record.circuit, record.caller_circuit) == ("g m r", "AA BB CC")
    assert (record.guard, record.middle, record.exit) == ("g", "m", None)
    assert (record.rendezvous, record.service_circuit) == ("r", "x y m r")
    assert (record.hops, record.relays_used, record.circuit_build_ms) == (6, 5, 900.0)
    assert record.onion_address == ADDRESS
    assert record.rendezvous_asked == (
        "a fresh one, over relays of tor's own choice; 2 circuits ended before at the caller, 0 at "
        "the service"
    )


def test_a_call_of_which_nothing_is_known_of_the_meeting_is_invalid(tmp_path: Path) -> None:
    record = measured(make_directory(tmp_path, notes_of_a_meeting(None)))
    assert record.status == "ok"
    assert record.invalid_reasons == ["where the service was met is not known"]


class Told:
    """A channel that answers each order with one thing, or fails."""

    def __init__(self, answers: dict[type[Order], Event | str]) -> None:
        self._answers = answers

    def ask(self, order: Order, kind: type[EventT], timeout_s: float) -> EventT:
        answer = self._answers[type(order)]
        if isinstance(answer, str):
            raise AgentFailedError("tor.onion in caller", answer)
        assert isinstance(answer, kind)
        return answer


STATE = ServiceState(ADDRESS, "0.4.9.11", ("relay1",), True, ("relay2",), ("UPLOAD_REJECTED",))
FETCHED, CONNECTED = DescriptorFetched("relay2", 1), OnionConnected(310.0, 1)


def test_a_service_is_there_once_it_was_found_and_reached() -> None:
    client = Told({FetchDescriptor: FETCHED, ConnectOnion: CONNECTED})
    noted: list[str] = []
    check_service(client, Told({}), "server-onion", ADDRESS, 1194, "caller", noted.append)
    assert noted == ["descriptor", "connection"]


@pytest.mark.parametrize(
    ("answers", "state", "said"),
    [
        (
            {FetchDescriptor: "after 9 tries: NOT_FOUND at relay3"},
            STATE,
            "onion service server-onion: waited 60 s for caller to fetch its descriptor, after 9 "
            "tries: NOT_FOUND at relay3; its own tor stands introduced at relay1; relays that "
            "took its descriptor since this began: relay2; that did not: UPLOAD_REJECTED",
        ),
        (
            {FetchDescriptor: "after 9 tries: NOT_FOUND at relay3"},
            replace(STATE, described=False, introductions=()),
            "its own tor stands introduced at no relay and has made no descriptor",
        ),
        (
            {FetchDescriptor: FETCHED, ConnectOnion: "after 3 tries: host unreachable"},
            STATE,
            "waited 60 s for a connection from caller to its port 1194, after 3 tries: host "
            "unreachable; its own tor stands introduced at relay1",
        ),
    ],
)
def test_a_service_that_does_not_appear_is_named_with_what_both_sides_said(
    answers: dict[type[Order], Event | str], state: ServiceState, said: str
) -> None:
    with pytest.raises(LabError) as caught:
        check_service(
            Told(answers),
            Told({ReadService: state}),
            "server-onion",
            ADDRESS,
            1194,
            "caller",
            print,
        )
    assert said in caught.value.message
    assert caught.value.hint == "`lab logs server-onion` shows what its tor says."
