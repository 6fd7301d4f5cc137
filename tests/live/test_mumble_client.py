"""The cross-check: Debian's own Mumble client hears our caller, through the same Tor network."""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
import wave
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12
from docker import DockerClient
from lab_command import nodes_of, wait_for
from live_lab import LiveLab

from lab.calls.end import End
from lab.calls.mumble.conversation import murmur
from lab.calls.workspace import Workspace, discard_workspace, make_workspace
from lab.engine.agent import Agent
from lab.engine.execution import file_in, start_agent
from lab.errors import LabError
from lab.images import build, context
from lab.lifecycle.ready import ReadyLab, open_lab
from lab.measure.score import score
from lab.render import labels
from lab.render.torrc import node_address
from lab.render.vpn_pki import issue_credential
from lab.wire import places
from lab.wire.messages import Dialogue, Event, Order
from lab.wire.mumble import MUMBLE_CLIENT, Join, Joined
from lab.wire.playout import FIXED
from lab.wire.ports import MUMBLE_PORT, SOCKS_PORT
from lab.wire.proxy import SocksProxy
from lab.wire.voice import Played
from lab.wire.voice_client import OpusSettings, Recording, Talk

pytestmark = pytest.mark.live

RECIPE = Path(__file__).parent / "mumble_client"
CLIP = "/usr/share/voice-tor-lab/speech/clip-16k.wav"
CLIP_S = 10
"""Long enough for PESQ (ITU-T P.862.3 wants 8 s)."""
CHANNEL = "cross-check"
LOCALHOST = IPv4Address("127.0.0.1")


@dataclass(frozen=True, slots=True)
class Start(Order):
    """Start Debian's client; see `mumble_client/listener.py`."""

    url: str
    host: IPv4Address
    port: int
    sha1: str
    certificate: str
    proxy: SocksProxy
    recording: PurePosixPath


@dataclass(frozen=True, slots=True)
class Started(Event):
    """It plays what it hears."""


@dataclass(frozen=True, slots=True)
class Record(Order):
    """Record for so long."""

    seconds: int


@dataclass(frozen=True, slots=True)
class RecordingBegan(Event):
    """It is being recorded."""


@dataclass(frozen=True, slots=True)
class Recorded(Event):
    """It has been."""

    status: int


LISTENER = Dialogue("listener", (Start, Record), (Started, RecordingBegan, Recorded))


@pytest.fixture
def ready(paper: LiveLab, able_host: DockerClient, monkeypatch: pytest.MonkeyPatch) -> ReadyLab:
    monkeypatch.setenv("LAB_HOME", str(paper.lab.home))
    return open_lab(able_host, paper.name)


@pytest.fixture
def workspace(ready: ReadyLab) -> Iterator[Workspace]:
    """A directory that the lab's endpoints see as well, with the first seconds of the clip."""
    made = make_workspace(ready, "cross-check")
    whole = made.host / "whole.wav"
    whole.write_bytes(file_in(ready.running, "caller", CLIP))
    with wave.open(str(whole)) as clip, wave.open(str(made.host / "clip.wav"), "wb") as part:
        part.setparams(clip.getparams())
        part.writeframes(clip.readframes(CLIP_S * clip.getframerate()))
    yield made
    discard_workspace(made)


@pytest.fixture
def image(able_host: DockerClient) -> str:
    """Debian's client, built where it is missing: half a minute; skips where it cannot be."""
    plan = context.plan_directory(RECIPE, context.plan("base").tag)
    if not able_host.images.list(plan.tag):
        try:
            build.build(able_host, plan, lambda _: None)
        except LabError as error:
            pytest.skip(f"{error.message} {error.hint}")
    return plan.tag


def own_certificate() -> str:
    """What the client shows the server; Mumble reads RSA keys only."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    issued = issue_credential("real", key)
    packed = pkcs12.serialize_key_and_certificates(
        b"real",
        key,
        x509.load_pem_x509_certificate(issued.certificate_pem.encode()),
        None,
        NoEncryption(),
    )
    return base64.b64encode(packed).decode()


def start_client(ready: ReadyLab, image: str, workspace: Workspace) -> Agent:
    """Debian's client beside the node `client`, whose Tor it takes."""
    beside = ready.running.node("client").container_id
    owner = f"{ready.owner.uid}:{ready.owner.gid}"
    command = ["docker", "run", "--rm", "-i", "--label", f"{labels.LAB}={ready.running.name}"]
    command += ["--network", f"container:{beside}", "--user", owner, "--cap-drop", "ALL"]
    command += ["--security-opt", "no-new-privileges", "--read-only", "--tmpfs", "/tmp"]
    command += ["--volume", f"{workspace.host}:{workspace.node}", image]
    agent = Agent("Debian's Mumble", [*command, "python3", "/opt/listener.py"], LISTENER)
    node = ready.directory / "nodes" / "mumble"
    certificate = ssl.PEM_cert_to_DER_cert(
        (node / places.in_project(places.MUMBLE_CERTIFICATE)).read_text()
    )
    host = murmur(ready).address
    order = Start(
        url=f"mumble://real@{host}:{MUMBLE_PORT}/{CHANNEL}",
        host=host,
        port=MUMBLE_PORT,
        sha1=hashlib.sha1(certificate).hexdigest(),
        certificate=own_certificate(),
        proxy=SocksProxy(LOCALHOST, SOCKS_PORT, "real", "real"),
        recording=workspace.node / "real.wav",
    )
    agent.send(order)
    return agent


def joining(ready: ReadyLab, name: str, peer: str, proxy: SocksProxy | None) -> Join:
    return Join(murmur(ready), name, peer, CHANNEL, creates=name == "callee", proxy=proxy)


@pytest.mark.slow
def test_debians_client_hears_our_caller(
    able_host: DockerClient, ready: ReadyLab, workspace: Workspace, image: str
) -> None:
    def log() -> str:
        server = nodes_of(able_host, ready.running.name)["mumble"]["Id"]
        return str(able_host.containers.get(server).logs().decode())

    with ExitStack() as stack:
        agents = {
            name: stack.enter_context(start_agent(ready.running, name, MUMBLE_CLIENT))
            for name in ("caller", "callee")
        }
        caller, callee = (End(name, agent) for name, agent in agents.items())
        proxy = SocksProxy(LOCALHOST, SOCKS_PORT, "caller", "secret")
        caller.order(joining(ready, "caller", "callee", proxy))
        callee.order(joining(ready, "callee", "caller", None))
        for client in (caller, callee):
            client.wait(Joined, 30)

        real = stack.enter_context(start_client(ready, image, workspace))
        real.expect(Started, 40)
        moved = re.compile(rf":real\(-1\)> Moved .*{CHANNEL}")
        wait_for("Debian's client in the channel", lambda: moved.search(log()))

        real.ask(Record(CLIP_S + 3), RecordingBegan, 10)
        here = workspace.node
        caller.order(
            Talk(
                here / "clip.wav",
                CLIP_S,
                OpusSettings(),
                here / "caller-sent.csv",
                here / "caller-received.csv",
                (Recording(here / "caller.wav", 16_000, FIXED),),
            )
        )
        assert caller.wait(Played, CLIP_S + 20).packets == CLIP_S * 50
        assert real.expect(Recorded, CLIP_S + 20).status == 0, real.log_text

    through = re.findall(r"<(\d+):\(-1\)> New connection: ([0-9.]+):\d+", log())
    session = re.findall(r"<(\d+):real\(-1\)> Authenticated", log())[-1]
    topology = ready.topology
    relays = {str(node_address(topology, topology.node(name))) for name in ready.relays}
    addresses = {str(link.address) for name in ready.relays for link in topology.node(name).links}
    assert dict(through)[session] in relays | addresses, "it came out of Tor"

    heard = score(workspace.host / "clip.wav", workspace.host / "real.wav")
    assert heard.valid, heard.reasons
    assert heard.segments_found == heard.segments
    assert heard.damage.missing_share is not None
    assert heard.damage.missing_share < 0.05
    assert heard.pesq_mos is not None
    # Its own jitter buffer, on a host without real time, costs it something.
    assert heard.pesq_mos > 2.5
