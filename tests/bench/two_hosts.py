"""Two containers on one network, set up as nodes of a lab are, to send through a cap."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.types import IPAMConfig, IPAMPool

from lab.engine.addresses import free_block, taken_networks
from lab.engine.plain_agent import PlainAgent as Agent
from lab.images.build import image_tag
from lab.render import labels
from lab.wire.shape import Direction, Shape

TRAFFIC = Path(__file__).with_name("traffic.py")
PORT = 5001
DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Host:
    """One container."""

    container: str
    address: str
    links: Agent
    """Its `lab.agents.net.links`."""

    def traffic(self, *arguments: str) -> subprocess.Popen[str]:
        command = ["docker", "exec", self.container, "python3", "/traffic.py", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@dataclass(frozen=True, slots=True)
class TwoHosts:
    """A sender, a receiver, and the cap between them."""

    sender: Host
    receiver: Host

    def shape(self, direction: Direction, shape: Shape) -> None:
        """Shape what the sender sends (OUT), or what the receiver receives (IN)."""
        host = self.sender if direction is Direction.OUT else self.receiver
        change = {
            "address": host.address,
            "direction": str(direction),
            "shape": shape.to_spec(),
        }
        host.links.ask({"op": "set", "changes": [change]}, DEADLINE_S)

    def counters(self, direction: Direction) -> dict[str, int]:
        host = self.sender if direction is Direction.OUT else self.receiver
        shown = host.links.ask({"op": "show", "addresses": [host.address]}, DEADLINE_S)
        found: dict[str, int] = shown["links"][0][str(direction)]["counters"]
        return found

    def tcp_kbps(self, skip_s: float, seconds: float) -> float:
        """Payload per second that one TCP connection carries."""
        receiver = self._receiver("tcp-receive", skip_s, seconds)
        self.sender.traffic("tcp-send", self.receiver.address, str(PORT))
        return _kbps(receiver)

    def udp_kbps(
        self, payload_bytes: int, offered_kbps: int, skip_s: float, seconds: float
    ) -> float:
        """Payload per second that arrives of datagrams sent at `offered_kbps`."""
        receiver = self._receiver("udp-receive", skip_s, seconds)
        self.sender.traffic(
            "udp-send",
            *(self.receiver.address, str(PORT)),
            *(str(payload_bytes), str(offered_kbps), str(skip_s + seconds + 1)),
        )
        return _kbps(receiver)

    def _receiver(self, kind: str, skip_s: float, seconds: float) -> subprocess.Popen[str]:
        receiver = self.receiver.traffic(kind, str(PORT), str(skip_s), str(seconds))
        assert receiver.stdout
        assert receiver.stdout.readline() == "ready\n"
        return receiver


def _kbps(receiver: subprocess.Popen[str]) -> float:
    text, _ = receiver.communicate(timeout=DEADLINE_S)
    counted: dict[str, float] = json.loads(text)
    return counted["bytes"] * 8 / 1000 / counted["seconds"]


@contextmanager
def two_hosts(client: DockerClient) -> Iterator[TwoHosts]:
    """Two hosts on a network of their own; nothing is left of them afterwards."""
    name = f"shaper-{secrets.token_hex(3)}"
    subnet = next(free_block(taken_networks(client)).subnets(new_prefix=24))
    own = {labels.LAB: name}
    with ExitStack() as stack:
        network = client.networks.create(
            name,
            labels=own,
            options={"com.docker.network.bridge.enable_ip_masquerade": "false"},
            ipam=IPAMConfig(pool_configs=[IPAMPool(str(subnet), gateway=str(subnet[1]))]),
        )
        stack.callback(network.remove)
        hosts = []
        for number in (2, 3):
            container = client.containers.create(
                image_tag("net"),
                ["sleep", "infinity"],
                labels=own,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                volumes={str(TRAFFIC): {"bind": "/traffic.py", "mode": "ro"}},
                network=name,
                init=False,
            )
            stack.callback(container.remove, force=True)
            container.start()
            container.reload()
            address = container.attrs["NetworkSettings"]["Networks"][name]["IPAddress"]
            _apply(container.id, _spec(name, number, address, subnet))
            links = stack.enter_context(
                Agent(f"links of {number}", _helper(container.id, "lab.agents.net.links"))
            )
            hosts.append(Host(container.id, address, links))
        yield TwoHosts(*hosts)


def _spec(name: str, number: int, address: str, subnet: IPv4Network) -> dict[str, Any]:
    return {
        "node": f"{name}-{number}",
        "congestion_control": "cubic",
        "links": [
            {
                "network": name,
                "address": address,
                "subnet": str(subnet),
                "bridge": str(subnet[1]),
                "sends": None,
                "receives": None,
            }
        ],
        "routes": [],
        "tunnel": None,
    }


def _apply(container: str, spec: dict[str, Any]) -> None:
    helper = _helper(container, "lab.agents.net.network")
    subprocess.run([*helper, "apply", json.dumps(spec)], check=True, capture_output=True)


def _helper(container: str, module: str) -> list[str]:
    options = ["--network", f"container:{container}", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN"]
    return ["docker", "run", "--rm", "-i", *options, image_tag("net"), "python3", "-m", module]
