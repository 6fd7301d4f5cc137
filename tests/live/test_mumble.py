"""Mumble calls through a real Murmur: direct, through Tor, and every way in which they can fail."""

from __future__ import annotations

import hashlib
import os
import secrets
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path, PurePosixPath

import pytest
from docker import DockerClient
from lab_command import wait_for
from live_lab import LiveLab
from valid_calls import call

from lab.calls.end import End, EndError
from lab.calls.mumble.conversation import talk
from lab.calls.paths.m_tor import no_way_past_tor
from lab.calls.paths.mumble import murmur_of
from lab.engine.agent import Agent
from lab.engine.execution import run_in
from lab.errors import LabError
from lab.images.build import image_tag
from lab.lifecycle.ready import open_lab
from lab.render.mumble import mumble_client_files, murmur_files
from lab.render.secrets import generate_secrets
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind
from lab.topology.resolve import resolve
from lab.wire import places
from lab.wire.mumble import MUMBLE_CLIENT, Join, Joined, MumbleServer
from lab.wire.playout import FIXED
from lab.wire.ports import MUMBLE_PORT
from lab.wire.voice_client import OpusSettings, Recording, Talk

pytestmark = pytest.mark.live

LABEL = "org.voice-tor-lab.test-mumble"
USER = 10001
LOCALHOST = IPv4Address("127.0.0.1")
CLIP = PurePosixPath("/usr/share/voice-tor-lab/speech/clip-16k.wav")
CLIP_S = 30.0
LOAD = ("--load", "mumble:4:tor")


@dataclass(frozen=True, slots=True)
class Murmur:
    """A Murmur without a lab around it, reachable on its own loopback interface alone."""

    container: str
    files: Path
    calls: Path
    server: MumbleServer

    def joining(self, name: str, peer: str) -> Join:
        """How `name` gets into the channel it shares with `peer`."""
        return Join(self.server, name, peer, "test", name == "callee", None, 10)

    def client(self, name: str) -> Agent:
        """A Mumble client beside it."""
        command = ["docker", "run", "--rm", "-i", "--label", LABEL]
        command += ["--network", f"container:{self.container}", "--user", f"{USER}:{USER}"]
        command += ["--cap-drop", "ALL", "--volume", f"{self.calls}:/calls"]
        command += ["--volume", f"{self.files / name}:/run/lab:ro", image_tag("endpoint")]
        return Agent(name, [*command, "python3", "-m", "lab.agents.mumble.client"], MUMBLE_CLIENT)

    def log(self) -> str:
        """What Murmur wrote."""
        return docker("logs", self.container)


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


@pytest.fixture
def users() -> int:
    """How many clients Murmur lets in; tests may say otherwise."""
    return 10


@pytest.fixture
def murmur(able_host: DockerClient, tmp_path: Path, users: int) -> Iterator[Murmur]:
    raw = load_topology(find_topology("paper"))
    topology = resolve(raw, "test", IPv4Network("10.99.0.0/16"), PbxKind.KAMAILIO)
    known = generate_secrets(topology)
    for name in ("mumble", "caller", "callee"):
        files_of = murmur_files if name == "mumble" else mumble_client_files
        for file, content in files_of(topology, topology.node(name), known).items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = content.decode().splitlines()
            lines = ["host=127.0.0.1" if line.startswith("host=") else line for line in lines]
            lines = [f"users={users}" if line.startswith("users=") else line for line in lines]
            path.write_text("\n".join(lines) + "\n")
    calls = tmp_path / "calls"
    calls.mkdir()
    for path in [tmp_path, *tmp_path.rglob("*")]:
        os.chown(path, USER, USER)
    for path in [*tmp_path.parents][:2]:
        path.chmod(0o755)
    command = ["run", "--detach", "--label", LABEL, "--network", "none"]
    command += ["--user", f"{USER}:{USER}", "--cap-drop", "ALL", "--read-only"]
    command += ["--security-opt", "no-new-privileges"]
    command += ["--tmpfs", f"/run:uid={USER},mode=700", "--tmpfs", f"/tmp:uid={USER}"]
    command += ["--volume", f"{tmp_path / 'mumble'}:/run/lab:ro", image_tag("mumble-server")]
    container = docker(*command, "python3", "-m", "lab.agents.mumble.server").strip()
    certificate = ssl.PEM_cert_to_DER_cert(
        (tmp_path / "mumble" / places.in_project(places.MUMBLE_CERTIFICATE)).read_text()
    )
    fingerprint = hashlib.sha256(certificate).hexdigest()
    server = Murmur(container, tmp_path, calls, MumbleServer(LOCALHOST, MUMBLE_PORT, fingerprint))
    try:
        listening = f"listening on 127.0.0.1:{MUMBLE_PORT}"
        wait_for("Murmur", lambda: listening in server.log())
        yield server
    finally:
        docker("rm", "--force", container)


@pytest.fixture
def pair(murmur: Murmur) -> Iterator[tuple[End, End]]:
    """A caller and a callee, not connected yet."""
    with ExitStack() as stack:
        agents = [stack.enter_context(murmur.client(name)) for name in ("caller", "callee")]
        yield End("caller", agents[0]), End("callee", agents[1])


def talks() -> tuple[Talk, Talk]:
    caller, callee = (
        Talk(
            CLIP,
            CLIP_S,
            OpusSettings(),
            PurePosixPath(f"/calls/{end}-sent.csv"),
            PurePosixPath(f"/calls/{end}-received.csv"),
            (Recording(PurePosixPath(f"/calls/{end}.wav"), 16000, FIXED),),
        )
        for end in ("caller", "callee")
    )
    return caller, callee


def test_clients_know_the_server_by_its_certificate(murmur: Murmur) -> None:
    other = hashlib.sha256(secrets.token_bytes(8)).hexdigest()
    with murmur.client("caller") as agent:
        client = End("caller", agent)
        server = replace(murmur.server, fingerprint=other)
        client.order(replace(murmur.joining("caller", "callee"), server=server))
        with pytest.raises(EndError, match="certificate is another"):
            client.wait(Joined, 15)


def test_where_nothing_listens_the_reason_is_told(murmur: Murmur) -> None:
    with murmur.client("caller") as agent:
        client = End("caller", agent)
        server = replace(murmur.server, port=MUMBLE_PORT + 5)
        client.order(replace(murmur.joining("caller", "callee"), server=server))
        with pytest.raises(EndError, match="Connection refused"):
            client.wait(Joined, 15)


@pytest.mark.parametrize("users", [2])
def test_a_full_server_is_how_the_call_failed(murmur: Murmur, pair: tuple[End, End]) -> None:
    joinings = (murmur.joining("caller", "callee"), murmur.joining("callee", "caller"))
    with murmur.client("caller") as agent:
        guest = End("guest", agent)
        guest.order(replace(murmur.joining("guest", "nobody"), deadline_s=20))
        wait_for("guest", lambda: "guest(-1)> Authenticated" in murmur.log())
        reason = talk(*pair, joinings, talks()).reason
    assert reason
    assert "Server is full" in reason, murmur.log()


def test_a_peer_that_never_comes_is_told_in_time(murmur: Murmur) -> None:
    with murmur.client("callee") as agent:
        client = End("callee", agent)
        client.order(replace(murmur.joining("callee", "caller"), deadline_s=2))
        with pytest.raises(EndError, match="waited in vain for caller"):
            client.wait(Joined, 10)


def test_a_murmur_that_hangs_is_given_up_in_time(murmur: Murmur) -> None:
    docker("pause", murmur.container)
    with murmur.client("caller") as agent:
        client = End("caller", agent)
        client.order(replace(murmur.joining("caller", "callee"), deadline_s=1))
        with pytest.raises(EndError, match="the TLS handshake took too long"):
            client.wait(Joined, 10)
    docker("unpause", murmur.container)


@pytest.mark.parametrize(
    ("method", "load"), [pytest.param("mumble", (), marks=pytest.mark.slow), ("m-tor", LOAD)]
)
def test_a_call_is_carried_and_scored(paper: LiveLab, method: str, load: tuple[str, ...]) -> None:
    record = call(paper, method, "--duration", "15s", *load)
    assert record["codec_negotiated"] == "OPUS"
    assert record["callee_loss_pct"] == record["caller_loss_pct"] == 0
    assert record["caller_owd_ms_p50"] > 0
    assert record["kbps_tunnel_ip"] is None
    assert record["kbps_exit_eth"] < record["kbps_access_eth"] * 1.1
    assert (record["circuit"] is not None) == (method == "m-tor")
    if load:
        assert (record["load_kind"], record["load_count"]) == ("mumble", 4)
        assert (record["load_established_min"], record["load_died"]) == (4, 0)
        assert record["load_goodput_kbps_mean"] == pytest.approx(40, rel=0.1)
        assert record["load_delivered_pct"] == pytest.approx(100, rel=0.1)
        assert record["load_pacing_ms_p99"] > 0
    assert record["callee_pesq_mos"] > 4.3
    assert record["caller_pesq_mos"] > 4.3
    [again] = paper.lab.json("measure", record["call_id"])
    assert (again["stored"], again["changed"]) == (True, {}), "the same row from the same files"


def test_while_a_call_goes_through_tor_nothing_can_go_past_it(
    paper: LiveLab, able_host: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HOME", str(paper.lab.home))
    lab = open_lab(able_host, paper.name)
    server = murmur_of(lab)
    connect = f"import socket; socket.create_connection(('{server}', {MUMBLE_PORT}), 5)"
    attempt = ["python3", "-c", connect]
    run_in(lab.running, "caller", attempt)
    with no_way_past_tor(lab, [server]), pytest.raises(LabError, match="No route to host"):
        run_in(lab.running, "caller", attempt)
    run_in(lab.running, "caller", attempt)
