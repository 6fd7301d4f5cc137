"""TCP_NODELAY in Tor: which processes set it, on which sockets, and what is read back."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from test_tor_render import TOPOLOGY

from lab.agents.tor.nodelay import LEDGER, NodelayError, environment_with, seen_in
from lab.checkout import IMAGES
from lab.topology.load import mistakes_in
from lab.topology.nodelay import nodelay_at
from lab.topology.raw import RawTopology
from lab.wire.nodelay import NodelaySeen, Place, Reach

SMALL = (IMAGES.parent / "topologies" / "small.yaml").read_text()
PEERS = """
import os, socket, subprocess, sys
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
accepted, _ = server.accept()
print(*[s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for s in (client, accepted)])
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.connect(("127.0.0.1", 9))
subprocess.run([sys.executable, "-c", "import os; print(os.environ.get('LD_PRELOAD'))"])
print(os.getpid(), flush=True)
sys.stdin.read()
"""

ONE = """
import socket
server = socket.create_server(("127.0.0.1", PORT))
client = socket.create_connection(server.getsockname())
print(client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
"""
"""A connection to itself."""


@pytest.mark.parametrize(
    ("place", "relay", "client"),
    [
        (Place.NONE, None, None),
        (Place.CLIENT, None, Reach.ALL),
        (Place.EXIT, Reach.EXITS, None),
        (Place.RELAYS, Reach.ALL, None),
        (Place.ALL, Reach.ALL, Reach.ALL),
    ],
)
def test_exactly_the_processes_that_are_meant_set_it(
    place: Place, relay: Reach | None, client: Reach | None
) -> None:
    topology = replace(TOPOLOGY, tor=replace(TOPOLOGY.tor, nodelay=place))
    told = {node.name: nodelay_at(topology, node) for node in topology.nodes}
    assert told == {"authority": relay, "relay-1": relay, "caller": client}


def test_tor_as_it_is_starts_with_the_nodes_own_environment(tmp_path: Path) -> None:
    assert environment_with(None, tmp_path) == dict(os.environ)


def test_an_image_without_the_object_is_told(tmp_path: Path) -> None:
    with pytest.raises(NodelayError, match="this image has no"):
        environment_with(Reach.ALL, tmp_path, tmp_path / "gone.so")


def test_of_a_process_without_it_that_is_what_is_seen(tmp_path: Path) -> None:
    assert seen_in(os.getpid(), tmp_path) == NodelaySeen(False, None, 0, 0, 0)


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The object, compiled as the images do it."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler on this host")
    file = tmp_path_factory.mktemp("shim") / "nodelay.so"
    source = str(IMAGES / "shared" / "nodelay.c")
    options = ["-O2", "-Wall", "-Wextra", "-Werror", "-std=gnu17", "-fPIC", "-shared"]
    subprocess.run([compiler, *options, "-o", str(file), source], check=True)
    return file


@pytest.mark.parametrize(
    ("reach", "sockets", "seen"),
    [
        (Reach.ALL, "1 1", NodelaySeen(True, Reach.ALL, set=2, left=0, refused=0)),
        (Reach.EXITS, "1 0", NodelaySeen(True, Reach.EXITS, set=1, left=1, refused=0)),
    ],
)
def test_the_object_sets_it_on_real_sockets_and_says_so(
    shim: Path, tmp_path: Path, reach: Reach, sockets: str, seen: NodelaySeen
) -> None:
    """As an exit it sets what it opens, and leaves what it accepts; no child has the object."""
    with subprocess.Popen(
        [sys.executable, "-c", PEERS],
        env=environment_with(reach, tmp_path, shim),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stdin
        assert process.stdout.readline().strip() == sockets
        assert process.stdout.readline().strip() == "None"
        found = seen_in(int(process.stdout.readline()), tmp_path)
        process.stdin.close()
    assert found == seen


def test_connections_to_other_relays_are_left_alone_at_an_exit(shim: Path, tmp_path: Path) -> None:
    environment = environment_with(Reach.EXITS, tmp_path, shim)
    assert environment["LAB_NODELAY"] == "but:9001,9030"
    port = unused_port()
    for spared, said in ((f"but:9001,{port}", "0"), ("but:9001,9030", "1")):
        done = subprocess.run(
            [sys.executable, "-c", ONE.replace("PORT", str(port))],
            env={**environment, "LAB_NODELAY": spared},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == said


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_a_ledger_of_another_process_proves_nothing(shim: Path, tmp_path: Path) -> None:
    (tmp_path / LEDGER).write_text("pid=1 on=all set=9 left=0 refused=0\n")
    name = Path(sys.executable).resolve().name
    with pytest.raises(NodelayError, match="is not that of process"):
        seen_in(os.getpid(), tmp_path, shim_name=name)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tor.nodelay": "exit", "tor.hops": 2}, []),
        ({"tor.nodelay": "everywhere"}, ["tor.nodelay"]),
        ({"tor.hops": 1}, ["tor.hops"]),
        ({"tor.hops": 5}, ["tor.hops"]),
        ({"tor.hops": 2, "tor.circuit": ["relay1", "relay2", "relay3"]}, ["tor.hops"]),
    ],
)
def test_what_a_topology_may_say_of_it(changes: dict[str, object], told: list[str]) -> None:
    assert [mistake.place for mistake in mistakes_in(SMALL, changes)] == told


def test_the_defaults_are_tor_as_it_is_and_three_hops() -> None:
    raw = RawTopology.model_fields["tor"].get_default(call_default_factory=True)
    assert (raw.nodelay, raw.hops) == ("none", 3)
