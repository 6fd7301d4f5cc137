"""Two containers on one network, set up as nodes of a lab are, to send through a cap."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from docker import DockerClient
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool

from lab.engine.addresses import free_block, taken_networks
from lab.engine.agent import Agent
from lab.engine.discovery import RunningLab, RunningNode
from lab.engine.execution import start_delay_line
from lab.images.build import image_tag
from lab.render import labels
from lab.wire import places
from lab.wire.links import (
    LINKS,
    Counters,
    LinkSide,
    LinksShown,
    SetShapes,
    ShapedSide,
    ShapesSet,
    ShowLinks,
    SideInForce,
)
from lab.wire.messages import Dialogue, write
from lab.wire.network import NETWORK, MachineLink, MachineNetwork, SetUpNetwork
from lab.wire.shape import Direction, Shape

TRAFFIC = Path(__file__).with_name("traffic.py")
PORT = 5001
DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Host:
    """One container."""

    container: str
    address: IPv4Address
    links: Agent
    """Its `lab.agents.net.links`."""

    def side(self, direction: Direction) -> LinkSide:
        return LinkSide(self.address, direction)

    def in_force(self, direction: Direction) -> SideInForce:
        shown = self.links.ask(ShowLinks((self.address,)), LinksShown, DEADLINE_S)
        return shown.links[0].side(direction)

    def traffic(self, *arguments: str) -> subprocess.Popen[str]:
        command = ["docker", "exec", self.container, "python3", "/traffic.py", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@dataclass(frozen=True, slots=True)
class TwoHosts:
    """A sender, a receiver, and the cap between them."""

    name: str
    """The lab that they belong to; each is the machine called `2` or `3` in it."""
    sender: Host
    receiver: Host

    def shape(self, direction: Direction, shape: Shape) -> None:
        """Shape what the sender sends (OUT), or what the receiver receives (IN)."""
        host = self.sender if direction is Direction.OUT else self.receiver
        order = SetShapes((ShapedSide(host.side(direction), shape),))
        host.links.ask(order, ShapesSet, DEADLINE_S)

    def counters(self, direction: Direction) -> Counters:
        host = self.sender if direction is Direction.OUT else self.receiver
        found = host.in_force(direction).counters
        assert found
        return found

    def tcp_kbps(self, skip_s: float, seconds: float) -> float:
        """Payload per second that one TCP connection carries."""
        receiver = self._receiver("tcp-receive", skip_s, seconds)
        self.sender.traffic("tcp-send", str(self.receiver.address), str(PORT))
        return _kbps(receiver)

    def udp_kbps(
        self, payload_bytes: int, offered_kbps: int, skip_s: float, seconds: float
    ) -> float:
        """Payload per second that arrives of datagrams sent at `offered_kbps`."""
        receiver = self._receiver("udp-receive", skip_s, seconds)
        self.sender.traffic(
            "udp-send",
            *(str(self.receiver.address), str(PORT)),
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
def two_hosts(client: DockerClient, *, delay_lines: bool = False) -> Iterator[TwoHosts]:
    """Two hosts on a network of their own; nothing is left of them afterwards.

    `delay_lines` starts one beside each, so that links can take time.
    """
    name = f"shaper-{secrets.token_hex(3)}"
    subnet = free_block(taken_networks(client), 24)
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
            networks = container.attrs["NetworkSettings"]["Networks"]
            address = IPv4Address(networks[name]["IPAddress"])
            _set_up(container.id, _network(name, number, address, subnet))
            if delay_lines:
                stack.enter_context(_delay_line(client, name, number, container.id))
            command = _helper(container.id, LINKS, tun=delay_lines)
            links = stack.enter_context(Agent(f"links of {number}", command, LINKS))
            hosts.append(Host(container.id, address, links))
        yield TwoHosts(name, *hosts)


def _network(name: str, number: int, address: IPv4Address, subnet: IPv4Network) -> MachineNetwork:
    link = MachineLink(name, address, subnet, subnet[1], None, None)
    return MachineNetwork(f"{name}-{number}", "cubic", (link,), routes=(), tunnel=None)


def _set_up(container: str, network: MachineNetwork) -> None:
    command = [*_helper(container, NETWORK), write(SetUpNetwork(network))]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def _delay_line(client: DockerClient, lab: str, number: int, container: str) -> Iterator[None]:
    """A delay line beside one host, started as `lab link set` does."""
    machine = str(number)
    node = RunningNode(machine, "host", container, "running", None, "")
    running = RunningLab(lab, lab, "", None, (node,))
    start_delay_line(running, machine, image_tag("delay-line"))
    try:
        yield
    finally:
        delay_line_beside(client, lab, machine).remove(force=True)


def delay_line_beside(client: DockerClient, lab: str, machine: str) -> Container:
    """The container of the delay line beside a machine of a lab."""
    wanted = [f"{labels.LAB}={lab}", f"{labels.DELAY_LINE}={machine}"]
    [found] = client.containers.list(all=True, filters={"label": wanted})
    return found


def _helper(container: str, dialogue: Dialogue, *, tun: bool = False) -> list[str]:
    options = ["--network", f"container:{container}", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN"]
    options += ["--device", str(places.TUN)] if tun else []
    program = ["python3", "-m", f"lab.agents.{dialogue.program}"]
    return ["docker", "run", "--rm", "-i", *options, image_tag("net"), *program]
