"""What labs leave on a host: counted before and after, from Docker, the kernel and the disk."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from docker import DockerClient

from lab.render import labels


@dataclass(frozen=True, slots=True)
class Left:
    """What there is at one moment."""

    containers: int
    """With a label of the lab, running or not; so networks and volumes."""
    networks: int
    volumes: int
    links: int
    """Bridges and virtual Ethernet devices in the engine's network namespace."""
    namespaces: int
    """Network namespaces that the engine holds or any process is in."""
    rules: int
    """Of iptables, filter and nat."""
    project_files: int
    """In `$LAB_HOME/labs`."""
    engine_kib: int
    """Memory of dockerd and the containerd below it."""

    def beyond(self, before: Left) -> dict[str, int]:
        """What is more than it was, memory apart."""
        now, then = asdict(self), asdict(before)
        return {
            name: now[name] - then[name]
            for name in now
            if name != "engine_kib" and now[name] > then[name]
        }


def left(client: DockerClient, engine_pid: int, home: Path) -> Left:
    """Count; `engine_pid` is the process of dockerd, whose namespaces are looked at."""
    wanted = {"label": labels.LAB}
    devices = json.loads(_said(engine_pid, ["ip", "-json", "link"]))
    rules = [_said(engine_pid, ["iptables", "-t", table, "-S"]) for table in ("filter", "nat")]
    return Left(
        containers=len(client.api.containers(all=True, quiet=True, filters=wanted)),
        networks=len(client.networks.list(filters=wanted)),
        volumes=len(client.volumes.list(filters=wanted)),
        links=sum(name.startswith(("veth", "br-")) for name in (d["ifname"] for d in devices)),
        namespaces=len(_namespaces()),
        rules=sum(len(text.splitlines()) for text in rules),
        project_files=sum(1 for _ in (home / "labs").rglob("*")),
        engine_kib=sum(_resident_kib(pid) for pid in (engine_pid, *_children(engine_pid))),
    )


def engine_process(client: DockerClient) -> int:
    """The process of the engine behind the client; LookupError where it is not on this host."""
    root = str(client.info()["DockerRootDir"])
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_text().split("\0")
            opened = [str(link.readlink()) for link in (directory / "fd").iterdir()]
        except OSError:
            continue
        if Path(words[0]).name == "dockerd" and any(name.startswith(root) for name in opened):
            return int(directory.name)
    raise LookupError("dockerd is not a process of this host, or may not be looked at: run as root")


def _said(pid: int, command: Sequence[str]) -> str:
    whole = ["nsenter", f"--net=/proc/{pid}/ns/net", *command]
    return subprocess.run(whole, check=True, capture_output=True, text=True).stdout


def _namespaces() -> set[str]:
    found = set()
    for link in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            found.add(str(link.readlink()))
        except OSError:
            continue
    return found


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])
