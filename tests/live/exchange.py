"""Two phones and a PBX of either kind on one Docker network of their own, no Tor."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path, PurePosixPath
from typing import Any

from docker import DockerClient
from docker.models.containers import Container

from lab.calls.coding import choose_coding
from lab.calls.end import EndError, Outcome
from lab.calls.sip.phone import Deadlines, Phone, talk
from lab.engine.agent import Agent
from lab.images import build
from lab.render.pbx import (
    MEDIA_CONTROL,
    render_freeswitch,
    render_kamailio,
    render_rtpengine,
)
from lab.roles.pbx import FREESWITCH
from lab.topology.model import Link, Network, Node, PbxKind, Topology, TorSettings, Vpn
from lab.wire.codecs import CODECS
from lab.wire.phone import PHONE, PhoneReport, Register, Registered, SipAccount, Voice
from lab.wire.playout import FIXED

LABELS = {"org.voice-tor-lab.test": "exchange"}
UID = 10001
ROLES = ("endpoint", "kamailio", "rtpengine")
SPEECH = PurePosixPath("/usr/share/voice-tor-lab/speech")
CODECS_LET_THROUGH = ("PCMU", "PCMA", "GSM", "SPEEX", "ILBC", "OPUS", "L16-48")
EXTENSIONS = {"caller": "1001", "callee": "1008", "absent": "1002"}
PASSWORDS = {extension: f"secret-of-{extension}" for extension in EXTENSIONS.values()}
READY_DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """What runs: the containers by name, and where recordings appear on this host."""

    containers: dict[str, Container]
    recordings: Path

    def address(self, name: str) -> IPv4Address:
        """The address of a container with a network namespace of its own."""
        networks = self.containers[name].attrs["NetworkSettings"]["Networks"]
        (network,) = networks.values()
        return IPv4Address(network["IPAddress"])

    def agent(self, name: str) -> Agent:
        """A phone, started in the container `name`."""
        container = self.containers[name].id or ""
        command = ["docker", "exec", "-i", container, "python3", "-m", "lab.agents.phone.phone"]
        return Agent(f"phone in {name}", command, PHONE)

    def registration(self, name: str, codec: str = "PCMU", ptime_ms: int = 0) -> Register:
        """The right registration of the phone in `name`."""
        extension = EXTENSIONS[name]
        account = SipAccount(
            extension, PASSWORDS[extension], self.address("server"), self.address(name)
        )
        return Register(account, choose_coding(CODECS[codec], ptime_ms or None), FIXED)

    def register(
        self,
        caller: Phone,
        callee: Phone,
        codecs: tuple[str, str] = ("PCMU", "PCMU"),
        ptime_ms: int = 0,
    ) -> None:
        """Register both phones, side by side."""
        for phone, codec in zip((caller, callee), codecs, strict=True):
            phone.order(self.registration(phone.name, codec, ptime_ms))
        for phone in (caller, callee):
            phone.wait(Registered, 10)

    def call(
        self,
        *,
        duration_s: float = 2.0,
        codecs: tuple[str, str] = ("PCMU", "PCMU"),
        ptime_ms: int = 0,
        number: str = EXTENSIONS["callee"],
    ) -> Outcome[PhoneReport]:
        """Register both phones and let the caller call `number`."""
        with self.agent("caller") as caller_agent, self.agent("callee") as callee_agent:
            caller, callee = Phone("caller", caller_agent), Phone("callee", callee_agent)
            self.register(caller, callee, codecs, ptime_ms)
            return talk(
                caller,
                callee,
                number,
                (voice("caller", codecs[0], duration_s), voice("callee", codecs[1], duration_s)),
                Deadlines(answer_s=5, late_s=10, hang_up_s=5),
            )

    def run(self, name: str, *command: str) -> str:
        """The output of a command in a container."""
        output = self.containers[name].exec_run(list(command)).output
        assert isinstance(output, bytes)
        return output.decode()


def voice(name: str, codec: str, duration_s: float) -> Voice:
    """Play the image's clip and record under the phone's name."""
    clip = SPEECH / f"clip-{CODECS[codec].sample_rate_hz // 1000}k.wav"
    return Voice(clip, PurePosixPath(f"/calls/{name}.wav"), duration_s)


@contextmanager
def running_exchange(
    client: DockerClient,
    directory: Path,
    freeswitch: str | None = None,
    codecs: tuple[str, ...] = CODECS_LET_THROUGH,
) -> Iterator[Exchange]:
    """Bring it up, building images that are missing; nothing is left afterwards.

    The PBX is the FreeSWITCH of that image where one is named, else Kamailio with rtpengine.
    """
    while build.missing(client, ROLES):  # sources may change while images are made from them
        build.build_missing(client, lambda _: None, ROLES)
    recordings, configuration = directory / "calls", directory / "pbx"
    for path in (recordings, configuration):
        path.mkdir()
        path.chmod(0o777)
    network = client.networks.create(f"exchange-{os.getpid()}", labels=LABELS)
    started: dict[str, Container] = {}
    exchange = Exchange(started, recordings)
    try:
        for name in ("server", "caller", "callee"):
            started[name] = start_node(
                client,
                build.image_tag("endpoint"),
                ["sleep", "infinity"],
                {recordings: "/calls"},
                network=network.name,
            )
        topology = one_network(exchange.address("server"), codecs)
        if freeswitch:
            start_freeswitch(client, exchange, topology, configuration, freeswitch)
        else:
            start_kamailio(client, exchange, topology, configuration)
        await_registrar(exchange)
        yield exchange
    finally:
        for container in reversed(started.values()):
            container.remove(force=True, v=True)
        network.remove()


def start_kamailio(
    client: DockerClient, exchange: Exchange, topology: Topology, configuration: Path
) -> None:
    """Start rtpengine and then Kamailio beside the server."""
    for name, role, command in (
        ("pbx-media", "rtpengine", ["rtpengine", "--config-file=/pbx/rtpengine.conf"]),
        ("pbx", "kamailio", ["kamailio", "-f", "/pbx/kamailio.cfg", "-DD", "-E"]),
    ):
        write_pbx_files(topology, configuration)
        exchange.containers[name] = start_node(
            client,
            build.image_tag(role),
            command,
            {configuration: "/pbx"},
            network_mode=f"container:{exchange.containers['server'].id}",
        )
        if name == "pbx-media":
            await_media_proxy(exchange)


def start_freeswitch(
    client: DockerClient,
    exchange: Exchange,
    topology: Topology,
    configuration: Path,
    image: str,
) -> None:
    """Start FreeSWITCH beside the server, as a lab does; it makes its certificates itself."""
    write_pbx_files(topology, configuration)
    beside = f"container:{exchange.containers['server'].id}"
    exchange.containers["pbx"] = freeswitch_beside(client, image, configuration, beside)


def freeswitch_beside(
    client: DockerClient, image: str, configuration: Path, network_mode: str
) -> Container:
    """Start the FreeSWITCH of `image` with the lab's command line."""
    program, *options = FREESWITCH.command
    return start_node(
        client,
        image,
        options,
        {configuration: "/run/lab"},
        entrypoint=[program],
        healthcheck={"test": ["NONE"]},
        network_mode=network_mode,
    )


def start_node(
    client: DockerClient,
    image: str,
    command: list[str],
    mounts: Mapping[Path, str],
    **options: Any,
) -> Container:
    """Start a container with the rights a lab's nodes have."""
    container = client.containers.run(
        image,
        command,
        detach=True,
        labels=LABELS,
        user=f"{UID}:{UID}",
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        read_only=True,
        tmpfs=dict.fromkeys(("/run", "/tmp"), f"uid={UID},gid={UID},mode=0700"),
        volumes={str(path): {"bind": target} for path, target in mounts.items()},
        **options,
    )
    container.reload()
    return container


def write_pbx_files(topology: Topology, directory: Path) -> None:
    """Write the rendered configuration of every exchange and of the media proxy."""
    files = {
        **render_kamailio(topology, PASSWORDS),
        **render_rtpengine(topology),
        **render_freeswitch(topology, PASSWORDS),
    }
    for name, content in files.items():
        file = directory / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)


def await_media_proxy(exchange: Exchange) -> None:
    """Wait until rtpengine listens for orders: Kamailio asks for it when it starts."""
    wanted = f":{int(MEDIA_CONTROL.split(':')[1]):04X} "
    await_(lambda: wanted in exchange.run("server", "cat", "/proc/net/udp"), exchange)


def await_registrar(exchange: Exchange) -> None:
    """Wait until a phone can register."""

    def registers() -> bool:
        with exchange.agent("caller") as agent:
            phone = Phone("caller", agent)
            phone.order(exchange.registration("caller"))
            try:
                phone.wait(Registered, 2)
            except EndError:
                return False
            return True

    await_(registers, exchange)


def await_(condition: Callable[[], bool], exchange: Exchange) -> None:
    """Wait for `condition`; AssertionError with the PBX's logs when it does not come true."""
    deadline = time.monotonic() + READY_DEADLINE_S
    while not condition():
        logs = {name: c.logs()[-500:] for name, c in exchange.containers.items() if "pbx" in name}
        assert time.monotonic() < deadline, logs
        time.sleep(0.1)


def one_network(server: IPv4Address, codecs: tuple[str, ...]) -> Topology:
    """A topology of which only the PBX's part is used."""

    def node(name: str, role: str, on: str | None = None, *links: Link) -> Node:
        return Node(name, role, links, on, routes=(), forwards=False)

    subnet = IPv4Network(f"{server}/16", strict=False)
    return Topology(
        lab="exchange",
        name="exchange",
        description="",
        block=subnet,
        networks=(Network("net", subnet, subnet[1]),),
        nodes=(
            node("server", "vpn-server", None, Link("net", server, None)),
            node("pbx", "pbx", "server"),
            node("pbx-media", "media-proxy", "server"),
        ),
        pbx=PbxKind.KAMAILIO,
        codecs=codecs,
        vpn=Vpn(IPv4Network("10.8.0.0/24"), IPv4Address("10.8.0.1"), 1194, "AES-256-GCM", "SHA512"),
        tor=TorSettings(10, ()),
        congestion_control="cubic",
    )
