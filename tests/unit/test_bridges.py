"""Bridges: what a user writes, what is rendered, how a client is verified and a call judged."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
from call_directory import HOME, call_notes, make_directory, measured
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from forged_packets import START_NS, Frame, ethernet, ipv4, tcp, write
from report_runs import call, report_on, text_of
from test_tor_bootstrap import CLIENT, RELAYS, Script

from lab.agents.net.processes import processes_called
from lab.agents.net.sockets import tcp_sockets
from lab.agents.tor.builder import covering_paths
from lab.measure.call.watches import EntryWatch
from lab.measure.record import CallRecord
from lab.render.obfs4 import issue_obfs4_identity
from lab.render.secrets import generate_secrets
from lab.render.torrc import tor_files
from lab.sweep.conditions import competitors_circuit
from lab.sweep.point import Point
from lab.topology.load import find_topology, mistakes_in, parse_topology
from lab.topology.model import PbxKind, Topology
from lab.topology.resolve import resolve
from lab.tor.bootstrap import BootstrapError, verify_bootstrap
from lab.tor.paths import entered, path_of_call, path_of_callee
from lab.wire.bridges import BridgeSeen
from lab.wire.circuits import ClientStatus, EntrySeen, TorStatus
from lab.wire.sockets import TcpSocket, TcpState
from lab.wire.tor_network import BridgePort

WORLD = find_topology("world-bridges").read_text()


def world(transport: str = "obfs4") -> Topology:
    text = WORLD.replace("transport: obfs4", f"transport: {transport}")
    return resolve(parse_topology(text), "demo", IPv4Network("10.99.0.0/20"), PbxKind.KAMAILIO)


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        (
            {"nodes.caller.bridges": ["paris"]},
            ("nodes", "caller", "bridges", 0),
            "'paris' is a relay, listed in the consensus; a bridge has `role: bridge`",
        ),
        ({"nodes.caller.bridges": ["web"]}, ("nodes", "caller", "bridges", 0), "the role web"),
        ({"nodes.caller.bridges": ["hrbour"]}, ("nodes", "caller", "bridges", 0), "'harbour'"),
        (
            {"nodes.caller.bridges": ["harbour", "harbour"]},
            ("nodes", "caller", "bridges", 1),
            "stands here twice",
        ),
        ({"nodes.caller.tor": False}, ("nodes", "caller", "bridges"), "needs `tor: true`"),
        ({"nodes.paris.transport": "obfs4"}, ("nodes", "paris", "transport"), "the role bridge"),
        ({"nodes.harbour.transport": "meek"}, ("nodes", "harbour", "transport"), "vanilla, obfs4"),
        ({"tor.circuit": ["harbour", "paris"]}, ("tor", "circuit", 0), "has the role bridge"),
    ],
)
def test_what_cannot_be_a_bridge_is_told(
    changes: dict[str, Any], place: tuple[str | int, ...], message: str
) -> None:
    found = [mistake for mistake in mistakes_in(WORLD, changes) if message in mistake.message]
    assert [mistake.path for mistake in found] == [place]


def test_client_and_bridge_are_told_of_each_other_and_the_network_is_not_told_of_the_bridge() -> (
    None
):
    topology = world()
    secrets = generate_secrets(topology)
    files = {n.name: tor_files(topology, n, secrets) for n in topology.nodes if n.tor or n.place}
    fingerprint = secrets.tor.fingerprint("harbour")
    address = topology.node("harbour").links[0].address
    caller = files["caller"]["tor/torrc"].decode()
    cert = secrets.obfs4["harbour"].certificate
    assert f"Bridge obfs4 {address}:9002 {fingerprint} cert={cert} iat-mode=0\n" in caller
    assert "UseBridges 1\n" in caller
    assert "UseEntryGuards 0" not in caller
    harbour = files["harbour"]["tor/torrc"].decode()
    assert "BridgeRelay 1\nPublishServerDescriptor 0\n" in harbour
    assert f"ServerTransportListenAddr obfs4 {address}:9002\n" in harbour
    for name in ("paris", "authority", "client"):
        assert all(fingerprint.encode() not in content for content in files[name].values())
        assert "obfs4" not in files[name]["tor/torrc"].decode()


def test_a_vanilla_bridge_needs_no_program_beside_tor() -> None:
    topology = world("vanilla")
    secrets = generate_secrets(topology)
    caller = tor_files(topology, topology.node("caller"), secrets)["tor/torrc"].decode()
    harbour = tor_files(topology, topology.node("harbour"), secrets)
    address = topology.node("harbour").links[0].address
    assert f"Bridge {address}:9001 {secrets.tor.fingerprint('harbour')}\n" in caller
    assert "Transport" not in caller + harbour["tor/torrc"].decode()
    assert "tor/obfs4_state.json" not in harbour


def test_a_certificate_is_what_clients_compute_with() -> None:
    """obfs4-spec 3: node id and public key, in base64 without padding; the key pair is one."""
    identity = issue_obfs4_identity()
    state = json.loads(identity.state)
    cert = base64.b64decode(f"{identity.certificate}==")
    assert cert.hex() == state["node-id"] + state["public-key"]
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(state["private-key"]))
    assert private.public_key().public_bytes_raw().hex() == state["public-key"]
    assert len(bytes.fromhex(state["drbg-seed"])) == 24


def test_calls_of_one_seed_differ_in_how_they_enter_alone() -> None:
    topology = world()
    for seed in range(20):
        relays = path_of_call(topology, seed)
        path = entered(relays, topology.node("caller"), seed)
        assert path == ("harbour", *relays[1:])
        assert entered(relays, topology.node("client"), seed) == relays
        # A competitor that has no bridge keeps off it.
        assert competitors_circuit(topology, path)[1:] == relays[1:]
        assert competitors_circuit(topology, path)[0] not in {"harbour", *relays[1:]}
        assert "harbour" not in path_of_callee(topology, path, seed)


def test_one_of_several_bridges_is_chosen_by_the_seed() -> None:
    client = replace(world().node("caller"), bridges=("a", "b"))
    assert {entered(("x", "y", "z"), client, seed)[0] for seed in range(20)} == {"a", "b"}


@pytest.mark.parametrize("relays", [3, 4, 7])
@pytest.mark.parametrize("bridges", [1, 2, 5])
def test_circuits_by_bridges_cross_every_relay_and_enter_by_every_bridge(
    relays: int, bridges: int
) -> None:
    names, entries = [f"r{n}" for n in range(relays)], [f"b{n}" for n in range(bridges)]
    paths = covering_paths(names, entries)
    assert {path[0] for path in paths} == set(entries)
    assert {relay for path in paths for relay in path[1:]} == set(names)
    assert all(len(set(path)) == 3 for path in paths)


WAITING = TorStatus(known=None, client=None)


def client(**known: Any) -> TorStatus:
    return TorStatus(None, replace(CLIENT, **{"bridges": ("harbour",), **known}))


def by_harbour(statuses: Iterable[TorStatus], deadline_s: float = 0.3) -> tuple[str, ...]:
    verified = verify_bootstrap(
        Script(statuses),
        RELAYS,
        started_at=time.monotonic(),
        bridges=("harbour",),
        deadline_s=deadline_s,
    )
    return tuple(stage.name for stage in verified.stages)


def test_a_client_by_bridges_is_verified_in_its_own_stages() -> None:
    assert by_harbour([WAITING, client(bridges=()), client(consensus=()), client()], 5) == (
        *("client", "bridges"),
        *("consensus", "descriptors", "circuits", "done"),
    )


@pytest.mark.parametrize(
    ("status", "complaint"),
    [
        (WAITING, "the client does not run yet; it waits until its bridges take clients"),
        (client(lost=("obfs4proxy",)), "the client runs, but not its own obfs4proxy"),
        (client(bridges=()), "the client has no descriptor of its bridge harbour"),
        (client(consensus=()), "the client's consensus lacks authority, relay1"),
        (
            client(consensus=(*RELAYS, "harbour")),
            "harbour cannot be a bridge: the consensus lists it as a relay",
        ),
    ],
)
def test_what_a_client_by_bridges_lacks_is_told(status: TorStatus, complaint: str) -> None:
    with pytest.raises(BootstrapError) as caught:
        by_harbour([status])
    assert complaint in caught.value.message


PORT = BridgePort("obfs4", IPv4Address("10.77.30.3"), 9002)
RELAY = IPv4Address("10.77.17.3")
HERE = IPv4Address(HOME)
TO_BRIDGE = TcpSocket(TcpState.ESTABLISHED, HERE, 40000, PORT.address, PORT.port)
BRIDGE = BridgeSeen(PORT, "0.4.9.11", True, True, (17,), in_consensus=False)
ENTRY = EntrySeen((TO_BRIDGE,), (23,), ())


@pytest.mark.parametrize(
    ("seen", "lack"),
    [
        (BRIDGE, None),
        (replace(BRIDGE, version=None), "its tor does not run yet"),
        (replace(BRIDGE, has_directory=False), "its tor does not know the network yet"),
        (replace(BRIDGE, obfs4proxies=()), "its obfs4proxy does not run"),
        (replace(BRIDGE, listens=False), "nothing listens on its port 9002 (obfs4)"),
    ],
)
def test_what_a_bridge_lacks_is_told(seen: BridgeSeen, lack: str | None) -> None:
    assert seen.lack == lack


def watch(**changes: Any) -> EntryWatch:
    made = EntryWatch(
        "caller", "harbour", PORT, HERE, {"relay1": (RELAY,)}, ENTRY, BRIDGE, ENTRY, BRIDGE
    )
    return replace(made, **changes)


def record_of(tmp_path: Path, entry: EntryWatch, *more: Frame) -> CallRecord:
    directory = make_directory(tmp_path, call_notes(entries=[entry]))
    if more:
        write(directory / "access.pcap", list(more))
    return measured(directory)


def test_the_record_names_the_bridge_and_its_transport(tmp_path: Path) -> None:
    record = record_of(tmp_path, watch())
    assert (record.bridge, record.bridge_transport, record.valid) == ("harbour", "obfs4", True)


RELAY_SOCKET = TcpSocket(TcpState.TIME_WAIT, HERE, 40001, RELAY, 9001)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (
            watch(client_after=replace(ENTRY, sockets=(TO_BRIDGE, RELAY_SOCKET))),
            "caller was connected with relay relay1, past its bridge: 1 sockets",
        ),
        (
            watch(client_before=replace(ENTRY, sockets=())),
            "caller was not connected with port 9002 (obfs4) of bridge harbour",
        ),
        (
            watch(bridge_after=replace(BRIDGE, in_consensus=True)),
            "bridge harbour is listed in the consensus: it is a relay",
        ),
        (watch(bridge_after=None), "bridge harbour did not answer after the call"),
        (
            watch(client_after=replace(ENTRY, obfs4proxies=(99,))),
            "obfs4proxy at caller ended during the call",
        ),
        (
            watch(bridge_after=replace(BRIDGE, obfs4proxies=())),
            "obfs4proxy at harbour ended during the call",
        ),
    ],
)
def test_a_call_that_did_not_enter_by_its_bridge_alone_is_not_valid(
    tmp_path: Path, entry: EntryWatch, reason: str
) -> None:
    record = record_of(tmp_path, entry)
    assert (record.valid, record.invalid_reasons) == (False, [reason])


def test_one_packet_to_a_relay_makes_a_call_invalid(tmp_path: Path) -> None:
    stray = Frame(START_NS, ethernet(ipv4(tcp(b"", 40000, 9001), HOME, str(RELAY), protocol=6)))
    record = record_of(tmp_path, watch(), stray)
    assert "1 packets went between caller and relay relay1 directly" in record.invalid_reasons


TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:235A 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 1 1 0
   1: 03104D0A:9C40 031E4D0A:232A 01 00000000:00000000 00:00000000 00000000 10001        0 2 1 0
"""


def test_sockets_are_read_as_the_kernel_lists_them(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    table.write_text(TABLE)
    loopback = IPv4Address("127.0.0.1")
    listening = TcpSocket(TcpState.LISTEN, loopback, 9050, IPv4Address("0.0.0.0"), 0)
    assert list(tcp_sockets(table)) == [listening, TO_BRIDGE]


def test_processes_are_found_by_name_and_those_that_have_ended_are_none(tmp_path: Path) -> None:
    for pid, name, state, where in (
        ("self", "python3", "R", "here"),
        ("7", "obfs4proxy", "S", "here"),
        ("8", "tor", "S", "here"),
        ("9", "obfs4proxy", "Z", "here"),
        ("10", "obfs4proxy", "S", "in a container"),
    ):
        (tmp_path / pid / "ns").mkdir(parents=True)
        (tmp_path / pid / "ns" / "pid").symlink_to(where)
        (tmp_path / pid / "stat").write_text(f"{pid} ({name}) {state} 1")
    assert processes_called("obfs4proxy", tmp_path) == (7,)


def test_a_report_sets_the_ways_in_side_by_side_and_beside_the_paper() -> None:
    keys = "topology.nodes.caller.bridges", "topology.nodes.harbour.transport"
    points = [
        Point("v-tor", **{keys[0]: "[]"}),
        Point("v-tor", **dict(zip(keys, ("[harbour]", "vanilla"), strict=True))),
        Point("v-tor", **dict(zip(keys, ("[harbour]", "obfs4"), strict=True))),
    ]
    calls = [
        call(
            point,
            number,
            mos=2.5 if transport == "obfs4" and number == 1 else 3.7,
            circuit="a b c",
            bridge="harbour" if transport else None,
            bridge_transport=transport,
            callee_owd_ms_p50=250.0,
            caller_owd_ms_p50=250.0,
        )
        for point, transport in zip(points, (None, "vanilla", "obfs4"), strict=True)
        for number in (1, 2, 3, 4)
    ]
    report = report_on(points, calls, None)
    rows = report.data["bridges"]
    assert [row["entry"] for row in rows] == ["no bridge", "vanilla", "obfs4"]
    assert [row["good"]["estimate"] for row in rows] == [1.0, 1.0, 0.75]
    text = text_of(report)
    assert "by vanilla: PESQ agrees (3.7 there, 3.70" in text
    assert "share of good calls agrees (85 % there, 75 (30-95) % here)" in text


def test_a_status_of_an_older_agent_has_no_bridges() -> None:
    assert ClientStatus("0.4.9.11", "", None, (), ()).bridges == ()
