"""A private Tor network of plain processes on loopback addresses: no container, no root.

The same files and agents as in a lab; only directories and the SOCKS port differ. Used by
live tests and by `tests/bench/tor_bootstrap.py`.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from lab.agents.tor.node import TorFiles, prepare_data, tor_command
from lab.engine.agent import Agent
from lab.render.obfs4 import Obfs4Identity, issue_obfs4_identity
from lab.render.secrets import LabSecrets
from lab.render.tor_keys import TorKeys, generate_tor_keys
from lab.render.torrc import tor_files
from lab.topology.model import Link, Network, Node, PbxKind, Topology, TorSettings, Vpn
from lab.wire import places
from lab.wire.circuits import CIRCUITS
from lab.wire.messages import Dialogue
from lab.wire.ports import SOCKS_PORT
from lab.wire.tor_witness import WITNESS

CLIENT = "caller"
START = {"relay": "tor.relay", "bridge": "tor.bridge"}
"""By role, whose nodes have an identity each: the module that starts their tor."""


@dataclass
class TorProcesses:
    """A network whose processes were just started."""

    topology: Topology
    keys: TorKeys
    socks_port: int
    started_at: float
    """time.monotonic() at the start of the first process."""
    directory: Path
    obfs4: Mapping[str, Obfs4Identity] = field(default_factory=dict)
    obfs4_program: str = str(places.OBFS4_PROGRAM)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def relays(self) -> tuple[str, ...]:
        """The nodes' names."""
        return tuple(node.name for node in self.topology.with_role("relay"))

    @property
    def service_address(self) -> str:
        """An address in the lab's block that no relay has."""
        return str(self.topology.block[250])

    def kill(self, name: str) -> None:
        """End the processes of one node without warning."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()

    def log(self, name: str) -> str:
        """What the node has said."""
        return (self.directory / name / "log").read_text()

    def circuits_agent(self) -> Agent:
        """The agent that builds circuits in the client."""
        return self.agent(CLIENT, CIRCUITS)

    def agent(self, name: str, dialogue: Dialogue) -> Agent:
        """A program in a node."""
        place = self.directory / name
        command = [sys.executable, "-m", f"lab.agents.{dialogue.program}", *directories(place)]
        return Agent(name, command, dialogue)

    def witness(self, node: str) -> Agent:
        """The agent that tells what the Tor of a node sees."""
        place = self.directory / node
        command = [sys.executable, "-m", f"lab.agents.{WITNESS.program}", *directories(place)]
        return Agent(f"witness at {node}", command, WITNESS)


def loopback_topology(
    relays: int,
    block: IPv4Network,
    voting_interval_s: int = 10,
    bridges: Mapping[str, str] | None = None,
) -> Topology:
    """`relays` relays and a client side by side on one loopback network.

    `bridges` is name → transport, of those by which the client enters.
    """
    names = ["authority", *(f"relay{number}" for number in range(1, relays))]
    nodes = [
        Node(
            name=name,
            role="relay",
            links=(Link("loopback", block[10 + number], None),),
            on=None,
            routes=(),
            forwards=True,
            authority=number == 0,
        )
        for number, name in enumerate(names)
    ]
    entries = [
        Node(
            name=name,
            role="bridge",
            links=(Link("loopback", block[100 + number], None),),
            on=None,
            routes=(),
            forwards=True,
            transport=transport,
        )
        for number, (name, transport) in enumerate((bridges or {}).items())
    ]
    client = Node(
        name=CLIENT,
        role="endpoint",
        links=(Link("loopback", block[5], None),),
        on=None,
        routes=(),
        forwards=False,
        tor=True,
        bridges=tuple(bridges or ()),
    )
    return Topology(
        lab="loopback",
        name="loopback",
        description="",
        block=block,
        networks=(Network("loopback", block, block[1]),),
        nodes=(*nodes, *entries, client),
        pbx=PbxKind.KAMAILIO,
        codecs=("PCMU",),
        vpn=Vpn(IPv4Network("10.8.0.0/24"), IPv4Address("10.8.0.1"), 1194, "AES-256-GCM", "SHA256"),
        tor=TorSettings(voting_interval_s, ()),
        congestion_control="cubic",
    )


@contextmanager
def tor_processes(
    relays: int,
    by_the_clock: bool = False,
    bridges: Mapping[str, str] | None = None,
    obfs4_program: str = str(places.OBFS4_PROGRAM),
) -> Iterator[TorProcesses]:
    """Start a network of that many relays and a client; end all of it on leaving.

    `by_the_clock` does without the lab's entry points: everything starts at once and votes
    happen at multiples of 5 s first and 10 s later, for comparison.
    """
    # Below 127.192.0.0: there tor has its virtual addresses (VirtualAddrNetworkIPv4).
    block = IPv4Network((f"127.{random.randrange(16, 192)}.{random.randrange(256)}.0", 24))
    topology = loopback_topology(relays, block, bridges=bridges)
    names = [n.name for n in topology.nodes if n.role in START]
    keys = generate_tor_keys(names, "authority")
    obfs4 = {n.name: issue_obfs4_identity() for n in topology.nodes if n.transport == "obfs4"}
    directory = Path(tempfile.mkdtemp(prefix="tor-processes-"))
    network = TorProcesses(
        topology, keys, unused_port(), time.monotonic(), directory, obfs4, obfs4_program
    )
    try:
        for node in topology.nodes:
            write_files(network, node)
        network.started_at = time.monotonic()
        for node in topology.nodes:
            network.processes[node.name] = start(network, node, by_the_clock)
        yield network
    finally:
        for process in network.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in network.processes.values():
            process.wait(10)
        shutil.rmtree(directory)


def write_files(network: TorProcesses, node: Node) -> None:
    """The node's files as in a lab, with a SOCKS port that is free on this host."""
    secrets = LabSecrets({}, {}, network.keys, network.obfs4)
    for name, content in tor_files(network.topology, node, secrets).items():
        path = network.directory / node.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    torrc = network.directory / node.name / "tor" / "torrc"
    text = torrc.read_text().replace(f":{SOCKS_PORT} ", f":{network.socks_port} ")
    text = text.replace(str(places.OBFS4_PROGRAM), network.obfs4_program)
    # A killed test leaves no tor behind.
    torrc.write_text(f"{text}\n__OwningControllerProcess {os.getpid()}\n")


def start(network: TorProcesses, node: Node, by_the_clock: bool) -> subprocess.Popen[bytes]:
    """Start the node's entry point or its bare tor, in a process group of its own."""
    place = network.directory / node.name
    if by_the_clock:
        command = bare_tor(place)
    else:
        module = "tor.authority" if node.authority else START.get(node.role, "tor.client")
        command = [sys.executable, "-m", f"lab.agents.{module}", *directories(place)]
    with (place / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def bare_tor(place: Path) -> list[str]:
    """The command of a tor that votes, or waits for a vote, by the clock."""
    own = TorFiles(place / "tor", place / "data")
    prepare_data(own)
    torrc = own.configuration / "torrc"
    text = torrc.read_text()
    text = text.replace("InitialVotingInterval 1800", "InitialVotingInterval 5")
    torrc.write_text(text.replace("V3AuthVotingInterval 1800", "V3AuthVotingInterval 10"))
    return tor_command(own)


def directories(place: Path) -> list[str]:
    """The options that tell an agent where it is."""
    return ["--configuration", f"{place}/tor", "--data", f"{place}/data"]


def unused_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
