"""The lab is closed: from no node does anything outside answer, not even this host."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

import pytest
from docker import DockerClient
from lab_command import nodes_of
from live_lab import LiveLab

from lab.images.build import image_tag
from lab.images.context import REPOSITORY
from lab.render import labels

pytestmark = pytest.mark.live

RTF_REJECT = 0x200
"""Of <linux/route.h>: the mark of an unreachable route."""

OUTSIDE = ("192.0.2.1", "1.1.1.1", "8.8.8.8")
"""A documentation address and two that answer wherever there is an internet."""

TRY = """
import json, socket, sys
order = json.load(sys.stdin)
answers = []
for address, port in order["targets"]:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as s:
            s.settimeout(1)
            try:
                s.connect((address, port))
                s.send(order["word"].encode())
                if kind == socket.SOCK_STREAM or s.recv(10):
                    answers.append([address, port, kind.name])
            except OSError:
                pass
try:
    answers.append(["DNS", socket.getaddrinfo("debian.org", 80)[0][4][0], ""])
except OSError:
    pass
print(json.dumps(answers))
"""


class HostServer:
    """TCP and UDP on every address of this host, on one port; answers, and keeps what came."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.tcp = socket.create_server(("0.0.0.0", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("0.0.0.0", self.port))
        for serve in (self._serve_tcp, self._serve_udp):
            threading.Thread(target=serve, daemon=True).start()

    def _serve_tcp(self) -> None:
        with suppress(OSError):  # closed
            while True:
                connection, _ = self.tcp.accept()
                self.heard.append(connection.recv(100))

    def _serve_udp(self) -> None:
        with suppress(OSError):
            while True:
                word, sender = self.udp.recvfrom(100)
                self.heard.append(word)
                self.udp.sendto(b"here", sender)


@pytest.fixture(scope="module")
def host() -> Iterator[HostServer]:
    server = HostServer()
    yield server
    server.tcp.close()
    server.udp.close()


def inside(container: Mapping[str, Any]) -> list[str]:
    """How a program is run in a node; the user's own exchange has none, but a place for one."""
    if container["Image"].startswith(f"{REPOSITORY}/"):
        return ["docker", "exec", "-i", container["Id"]]
    beside = ["--network", f"container:{container['Id']}", "--cap-drop", "ALL"]
    return ["docker", "run", "--rm", "-i", *beside, image_tag("net")]


def answering(where: list[str], targets: list[tuple[str, int]], word: str) -> list[list[str]]:
    """Which targets answer to whom stands in a node, or, where that is empty, on this host."""
    done = subprocess.run(
        [*where, "python3", "-c", TRY],
        input=json.dumps({"targets": targets, "word": word}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: list[list[str]] = json.loads(done.stdout)
    return found


def addresses_of_this_host() -> set[str]:
    """Every address but those of the loopback."""
    done = subprocess.run(
        ["ip", "-json", "-4", "address"], capture_output=True, text=True, check=True
    )
    found = {
        entry["local"] for interface in json.loads(done.stdout) for entry in interface["addr_info"]
    }
    return {address for address in found if not IPv4Address(address).is_loopback}


def bridges_of(client: DockerClient, lab: str) -> set[str]:
    networks = client.networks.list(filters={"label": f"{labels.LAB}={lab}"})
    return {str(IPv4Interface(n.attrs["IPAM"]["Config"][0]["Gateway"]).ip) for n in networks}


def test_no_node_reaches_anything_outside(
    able_host: DockerClient, paper: LiveLab, host: HostServer
) -> None:
    bridges = bridges_of(able_host, paper.name)
    own = addresses_of_this_host()
    assert len(bridges) == 6
    assert bridges < own, "the bridges are addresses of this host, and it has others"
    targets = [(address, host.port) for address in sorted(own)]
    targets += [(address, port) for address in OUTSIDE for port in (53, 80)]
    nodes = {node: inside(found) for node, found in nodes_of(able_host, paper.name).items()}
    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        tried = {
            node: pool.submit(answering, where, targets, node) for node, where in nodes.items()
        }
    assert {node: answers.result() for node, answers in tried.items()} == {key: [] for key in nodes}
    assert host.heard == []


def test_what_is_asked_of_the_nodes_would_be_answered(
    able_host: DockerClient, paper: LiveLab, host: HostServer
) -> None:
    """The counter-check: the same program finds the server from this host, and a lab's own."""
    bridge = sorted(bridges_of(able_host, paper.name))[0]
    assert len(answering([], [(bridge, host.port)], "host")) >= 2
    host.heard.clear()
    links = {
        node["node"]: [link["address"] for link in node["links"]] for node in paper.said["nodes"]
    }
    caller = inside(nodes_of(able_host, paper.name)["caller"])
    vpn = (links["server"][0], 1194)
    assert answering(caller, [vpn], "x") == [[*vpn, "SOCK_STREAM"]]


def test_no_node_has_a_way_out(able_host: DockerClient, paper: LiveLab) -> None:
    for node, container in nodes_of(able_host, paper.name).items():
        table = able_host.api.exec_start(
            able_host.api.exec_create(container["Id"], ["cat", "/proc/net/route"])["Id"]
        ).decode()
        rows = [line.split() for line in table.splitlines()[1:]]
        default = [row for row in rows if row[1] == "00000000" and row[7] == "00000000"]
        assert [int(row[3], 16) & RTF_REJECT for row in default] == [RTF_REJECT], (node, table)


def test_no_port_is_published(able_host: DockerClient, paper: LiveLab) -> None:
    for node, container in nodes_of(able_host, paper.name).items():
        found = able_host.api.inspect_container(container["Id"])
        assert not found["HostConfig"]["PortBindings"], node
        assert not found["HostConfig"]["PublishAllPorts"], node


def test_nodes_have_no_ipv6(able_host: DockerClient, paper: LiveLab) -> None:
    for node, container in nodes_of(able_host, paper.name).items():
        table = able_host.api.exec_start(
            able_host.api.exec_create(container["Id"], ["cat", "/proc/net/if_inet6"])["Id"]
        ).decode()
        assert [line for line in table.splitlines() if not line.endswith(" lo")] == [], node
