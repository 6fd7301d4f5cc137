"""How the lab reaches into nodes: `docker exec`, and short-lived helpers beside them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path

from docker import DockerClient
from docker.errors import NotFound
from requests.exceptions import RequestException

from lab.engine.agent import Agent
from lab.engine.client import went_silent
from lab.engine.discovery import RunningLab, RunningNode
from lab.engine.hosts import client_of, docker_command
from lab.engine.lock import held_on
from lab.errors import LabError
from lab.render import labels
from lab.render.owner import Owner
from lab.render.services import LINE_CPU_SHARES
from lab.wire import places
from lab.wire.live_capture import LIVE_CAPTURE
from lab.wire.messages import Dialogue
from lab.wire.network import READING
from lab.wire.probe import PROBE

PINGS, PING_S = 5, 10
"""So many, and so long for all of them: links may lose packets, and take time."""
MOST_WAITING = 64
"""Events of a live capture, each with the packets of 50 ms or with 64 KiB of them."""


def start_agent(lab: RunningLab, node: str, dialogue: Dialogue) -> Agent:
    """Start the dialogue's program inside `node`."""
    found, module = lab.node(node), f"lab.agents.{dialogue.program}"
    command = [*docker_command(found.engine), "exec", "-i", found.container_id]
    command += ["python3", "-m", module]
    return Agent(f"{dialogue.program} in {node}", command, dialogue, held_on(lab.name))


def start_unprivileged_helper(
    lab: RunningLab, machine: str, image: str, owner: Owner, dialogue: Dialogue
) -> Agent:
    """Start the dialogue's program as `owner`, without any capability, beside `machine`."""
    user = f"{owner.uid}:{owner.gid}"
    options = ["--user", user, "--security-opt", "no-new-privileges", "--tmpfs", "/tmp"]  # noqa: S108
    return _start_helper(lab, machine, image, options, dialogue)


def start_reader(lab: RunningLab, machine: str, net_image: str, owner: Owner) -> Agent:
    """Start what tells what is in force in the network namespace of `machine`.

    That needs no capability: it runs in the node, or beside one that has no agents.
    """
    if lab.node(machine).has_agents:
        return start_agent(lab, machine, READING)
    return start_unprivileged_helper(lab, machine, net_image, owner, READING)


def start_network_helper(
    lab: RunningLab, machine: str, image: str, dialogue: Dialogue, *, tun: bool = False
) -> Agent:
    """Start the dialogue's program as root with CAP_NET_ADMIN alone, beside `machine`.

    `tun` gives it the device by which tun devices are made.
    """
    options = ["--user", "0:0", "--cap-add", "NET_ADMIN", "--security-opt", "no-new-privileges"]
    if tun:
        options += ["--device", str(places.TUN)]
    return _start_helper(lab, machine, image, options, dialogue)


def start_delay_line(lab: RunningLab, machine: str, image: str) -> None:
    """Start a delay line beside `machine`, as root with CAP_NET_RAW alone; it ends with the lab.

    LabError where it cannot be started.
    """
    found = lab.node(machine)
    command = [*docker_command(found.engine), "run", "--detach"]
    command += ["--label", f"{labels.LAB}={lab.name}", "--label", f"{labels.DELAY_LINE}={machine}"]
    command += ["--network", f"container:{found.container_id}"]
    command += ["--cap-drop", "ALL", "--cap-add", "NET_RAW", "--read-only", "--user", "0:0"]
    command += ["--security-opt", "no-new-privileges", "--device", str(places.TUN)]
    command += ["--cpu-shares", str(LINE_CPU_SHARES)]
    done = subprocess.run(
        [*command, image, "delay-line"], capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise LabError(f"no delay line can be started beside {machine}: {done.stderr.strip()}")


def start_probe(
    lab: RunningLab, machine: str, image: str, owner: Owner, mounts: Mapping[Path, str]
) -> Agent:
    """Start `lab.agents.probe.probe` as `owner`, beside `machine`; it writes into `mounts`.

    The probe itself has no capability. The image's tcpdump and ping hold CAP_NET_RAW as a
    file capability, which is why new privileges are not ruled out here: there is no other.
    """
    options = ["--user", f"{owner.uid}:{owner.gid}", "--cap-add", "NET_RAW"]
    for source, target in mounts.items():
        options += ["--volume", f"{source}:{target}"]
    return _start_helper(lab, machine, image, options, PROBE)


def start_live_capture(lab: RunningLab, machine: str, image: str, owner: Owner) -> Agent:
    """Start `lab.agents.probe.live_capture` as `owner`, beside `machine`, with what a probe may.

    Docker keeps no log of it: that would be a copy of every packet.
    """
    options = ["--user", f"{owner.uid}:{owner.gid}", "--cap-add", "NET_RAW"]
    options += ["--log-driver", "none"]
    return _start_helper(lab, machine, image, options, LIVE_CAPTURE, most_waiting=MOST_WAITING)


def _start_helper(
    lab: RunningLab,
    machine: str,
    image: str,
    options: Sequence[str],
    dialogue: Dialogue,
    most_waiting: int | None = None,
) -> Agent:
    """A short-lived container in the machine's network namespace, gone when it ends."""
    found = lab.node(machine)
    command = [*docker_command(found.engine), "run", "--rm", "-i"]
    command += ["--label", f"{labels.LAB}={lab.name}"]
    command += ["--network", f"container:{found.container_id}"]
    command += ["--cap-drop", "ALL", "--read-only", *options]
    command += [image, "python3", "-m", f"lab.agents.{dialogue.program}"]
    name = f"{dialogue.program} beside {machine}"
    return Agent(name, command, dialogue, held_on(lab.name), most_waiting)


def start_on_host(
    lab: str, engine: str, image: str, options: Sequence[str], dialogue: Dialogue
) -> Agent:
    """Start the dialogue's program in the own network namespace of the host of `engine`.

    Without a capability but what `options` give it; gone when it ends.
    """
    command = [*docker_command(engine), "run", "--rm", "-i", "--pull", "never"]
    command += ["--label", f"{labels.LAB}={lab}", "--network", "host"]
    command += ["--cap-drop", "ALL", "--read-only", "--security-opt", "no-new-privileges"]
    command += [*options, image, "python3", "-m", f"lab.agents.{dialogue.program}"]
    return Agent(f"{dialogue.program} of lab {lab}", command, dialogue, held_on(lab))


def reaches(
    lab: RunningLab, machine: str, image: str, address: IPv4Address, payload_bytes: int
) -> bool:
    """Whether `address` answers a ping from `machine`, by packets that are not cut on the way."""
    found = lab.node(machine)
    command = [*docker_command(found.engine), "run", "--rm", "--label", f"{labels.LAB}={lab.name}"]
    command += ["--network", f"container:{found.container_id}", "--read-only"]
    command += ["--cap-drop", "ALL", "--cap-add", "NET_RAW", image, "ping", "-M", "do"]
    command += ["-c", str(PINGS), "-i", "0.2", "-w", str(PING_S), "-s", str(payload_bytes)]
    done = subprocess.run([*command, str(address)], capture_output=True, check=False)
    return done.returncode == 0


def outcome_of(client: DockerClient, node: RunningNode, deadline_s: float) -> tuple[int, str]:
    """Wait until a container has ended; its exit status and what it wrote.

    LabError where it goes on for longer than `deadline_s`, or is gone.
    """
    client, container_id = client_of(client, node.engine), node.container_id
    try:
        status = client.api.wait(container_id, timeout=deadline_s)["StatusCode"]
        output = client.api.logs(container_id, stdout=True, stderr=status != 0)
    except RequestException as error:
        name = f"container {container_id[:12]}"
        if went_silent(error):
            raise LabError(f"{name} goes on after {deadline_s:.0f} s") from None
        raise LabError(f"the engine told nothing more of {name}: {error}") from error
    except NotFound:
        raise LabError(f"container {container_id[:12]} is gone before it ended") from None
    return int(status), output.decode(errors="replace")


def run_in(lab: RunningLab, node: str, command: Sequence[str], timeout_s: float = 30) -> str:
    """Run `command` in `node` and return its standard output; LabError where it fails."""
    found = lab.node(node)
    try:
        done = subprocess.run(
            [*docker_command(found.engine), "exec", found.container_id, *command],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LabError(
            f"{command[0]} in {node} had not ended after {timeout_s:.0f} s",
            f"`lab logs {node}` may say why.",
        ) from None
    if done.returncode:
        raise LabError(
            f"{command[0]} in {node} failed with exit status {done.returncode}: "
            f"{done.stderr.strip() or done.stdout.strip()}",
            f"`lab logs {node}` may say why.",
        )
    return done.stdout


def start_program(lab: RunningLab, node: str, program: str, argument: str) -> subprocess.Popen[str]:
    """Start a Python program in `node` whose agents have nothing like it.

    It is to end when its input does: so it does however this process goes.
    """
    found = lab.node(node)
    command = [*docker_command(found.engine), "exec", "-i", found.container_id]
    return subprocess.Popen(
        [*command, "python3", "-c", program, argument],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        pass_fds=held_on(lab.name),
    )


def file_in(lab: RunningLab, node: str, path: str) -> bytes:
    """The content of a file inside `node`; LabError where it cannot be read."""
    found = lab.node(node)
    command = [*docker_command(found.engine), "exec", found.container_id, "cat", path]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise LabError(f"cannot read {path} in {node}: {done.stderr.decode().strip()}")
    return done.stdout
