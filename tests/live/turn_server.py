"""A TURN server of the lab's image without a lab around it, and WebRTC phones beside it."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from lab_command import wait_for

from lab.engine.agent import Agent
from lab.images.build import image_tag
from lab.render.turn import render_turn
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind, Topology
from lab.topology.resolve import resolve
from lab.wire import places
from lab.wire.ports import TURN_PORT
from lab.wire.webrtc import WEBRTC_PHONE, Gather, TurnServer

LABEL = "org.voice-tor-lab.test-turn"
USER = 10001
PHONES = ("caller", "callee")


def docker(*words: str) -> str:
    """What the command printed; CalledProcessError where it failed."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


@dataclass(frozen=True, slots=True)
class Turn:
    """A TURN server on an internal network of its own."""

    container: str
    directory: Path
    address: IPv4Address
    passwords: Mapping[str, str]

    @property
    def calls(self) -> Path:
        """What phones write."""
        return self.directory / "calls"

    def server(self, user: str) -> TurnServer:
        """As that phone knows it."""
        return TurnServer(self.address, TURN_PORT, user)

    def gather(self, user: str, deadline_s: float = 15.0) -> Gather:
        """How that phone is to be relayed."""
        return Gather(self.server(user), fec=False, proxy=None, deadline_s=deadline_s)

    def phone(self, user: str, name: str | None = None) -> Agent:
        """A WebRTC phone beside it; `name` is the container's."""
        command = ["docker", "run", "--rm", "-i", "--label", LABEL]
        command += ["--name", name] if name else []
        command += ["--network", f"container:{self.container}", "--user", f"{USER}:{USER}"]
        command += ["--cap-drop", "ALL", "--volume", f"{self.calls}:/calls"]
        command += ["--volume", f"{self.directory / user}:/run/lab:ro", image_tag("endpoint")]
        return Agent(user, [*command, "python3", "-m", "lab.agents.webrtc.phone"], WEBRTC_PHONE)

    def log(self) -> str:
        """What coturn wrote."""
        return docker("logs", self.container)


@contextmanager
def turn_server(directory: Path, further: str = "") -> Iterator[Turn]:
    """One that runs while the block does; `further` are lines of its configuration."""
    subnet = IPv4Network((f"10.98.{secrets.randbelow(256)}.{16 * secrets.randbelow(16)}", 28))
    address = subnet[4]
    passwords = {name: secrets.token_urlsafe(18) for name in PHONES}
    files = {f"{name}/turn/password": own for name, own in passwords.items()}
    files["turn/turn/turnserver.conf"] = _configuration(address, passwords) + further
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (directory / "calls").mkdir()
    for path in [directory, *directory.rglob("*")]:
        os.chown(path, USER, USER)
    for path in [*directory.parents][:2]:
        path.chmod(0o755)
    network = f"test-turn-{secrets.token_hex(3)}"
    docker("network", "create", "--internal", f"--subnet={subnet}", "--label", LABEL, network)
    command = ["run", "--detach", "--label", LABEL, "--network", network, f"--ip={address}"]
    command += ["--user", f"{USER}:{USER}", "--cap-drop", "ALL", "--read-only"]
    command += ["--security-opt", "no-new-privileges"]
    command += ["--tmpfs", f"{places.TURN_STATE}:uid={USER},mode=700", "--tmpfs", "/tmp"]
    command += ["--volume", f"{directory / 'turn'}:/run/lab:ro", image_tag("turn")]
    container = ""
    try:
        container = docker(*command, "turnserver", "-c", str(places.TURN_SERVER)).strip()
        turn = Turn(container, directory, address, passwords)
        wait_for("coturn", lambda: "Total General servers" in turn.log())
        yield turn
    finally:
        if container:
            docker("rm", "--force", container)
        docker("network", "rm", network)


def _configuration(address: IPv4Address, passwords: Mapping[str, str]) -> str:
    """As a lab's, at another address."""
    raw = load_topology(find_topology("paper"))
    topology = resolve(raw, "test", IPv4Network("10.99.0.0/16"), PbxKind.KAMAILIO)
    return render_turn(_moved(topology, address), passwords)


def _moved(topology: Topology, address: IPv4Address) -> Topology:
    machine = topology.machine("turn")
    first, *others = machine.links
    moved = replace(machine, links=(replace(first, address=address), *others))
    nodes = tuple(moved if node == machine else node for node in topology.nodes)
    return replace(topology, nodes=nodes)
