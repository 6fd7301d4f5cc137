"""A call beside other users of Tor: they fetch over circuits of their own, and pause."""

from __future__ import annotations

import json
import time
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from docker import DockerClient
from lab_command import nodes_of
from live_lab import LiveLab
from valid_calls import BLAMES_THE_HOST

from lab.load.browsing import CIRCUITS
from lab.render.torrc import nickname
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind
from lab.topology.resolve import resolve
from lab.tor.paths import paths_of_user

pytestmark = pytest.mark.live

USERS = 3
SEED = 4
WORDS = ("--load", f"background:{USERS}", "--seed", str(SEED), "--duration", "15s")
CALL_TIMEOUT_S = 240.0
CIRCUITS_BUILT = """
import json
from stem.control import Controller
with Controller.from_socket_file("/var/lib/tor/data/control") as tor:
    tor.authenticate()
    own = [c for c in tor.get_circuits() if c.status == "BUILT" and len(c.path) > 1]
    print(json.dumps([[name for _, name in circuit.path] for circuit in own]))
"""


def drawn(topology: str) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Each user's circuits, as the seed and the shipped topology have them."""
    raw = load_topology(find_topology(topology))
    resolved = resolve(raw, "lab", IPv4Network("10.0.0.0/16"), PbxKind.KAMAILIO)
    client = resolved.node("client")
    return tuple(paths_of_user(resolved, client, SEED, user, CIRCUITS) for user in range(USERS))


def test_a_call_beside_others_is_whole_and_they_take_the_circuits_that_were_drawn(
    paper: LiveLab, able_host: DockerClient
) -> None:
    """Valid, too, but for what a busy host does to it."""
    nodes = nodes_of(able_host, paper.name)
    process = paper.lab.start("call", "v-tor", "--name", paper.name, "--json", *WORDS)
    caller, client = (able_host.containers.get(nodes[node]["Id"]) for node in ("caller", "client"))
    deadline = time.monotonic() + CALL_TIMEOUT_S
    while "lab.agents.phone.phone" not in str(caller.top(ps_args="-eo pid,args")["Processes"]):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    told = client.exec_run(["python3", "-c", CIRCUITS_BUILT])
    assert told.exit_code == 0, told.output.decode()
    built = {tuple(path) for path in json.loads(told.output)}
    out, err = process.communicate(timeout=CALL_TIMEOUT_S)
    assert out, err
    every = {tuple(map(nickname, path)) for user in drawn("paper") for path in user}
    assert built
    assert built <= every
    left = client.exec_run(["python3", "-c", CIRCUITS_BUILT])
    assert json.loads(left.output) == [], "no circuit outlives the call"
    agents = str(client.top(ps_args="-eo pid,args")["Processes"])
    assert "lab.agents.load" not in agents
    assert "user_circuits" not in agents

    record = json.loads(out)
    assert record["status"] == "ok", record["reason"]
    assert [why for why in record["invalid_reasons"] if not BLAMES_THE_HOST.match(why)] == []
    assert (record["load_kind"], record["load_count"]) == ("background", USERS)
    assert record["load_through"] == "tor"
    assert (record["load_established_min"], record["load_died"]) == (USERS, 0)
    assert record["load_retried"] == 0, "nothing in this lab makes a fetch fail"
    assert record["load_goodput_kbps_mean"] > 50
    notes = json.loads((Path(record["artefacts"]) / "call.json").read_text())
    assert notes["load"]["direction"] == "down"
    kept = tuple(tuple(tuple(path) for path in user) for user in notes["load"]["circuits"])
    assert kept == drawn("paper")
