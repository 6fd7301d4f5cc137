"""A lab's compose project on disk and in Docker: written, started, removed."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePath

from docker import DockerClient
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from lab import storage
from lab.engine.client import trouble
from lab.engine.compose_plugin import compose_command
from lab.engine.discovery import RunningNode
from lab.engine.hosts import client_of, environment_for, other_engines
from lab.engine.joints import part_networks
from lab.engine.lock import Lock
from lab.errors import LabError, sentence_of, together
from lab.render import labels
from lab.render.owner import Owner
from lab.render.project import Project, project_name
from lab.wire import places

log = logging.getLogger(__name__)

_COMPOSE_GRACE_S = 20.0

_ROUNDS = 5
"""How often removal looks again: an engine interrupted while creating may finish late."""


def write_project(project: Project, directory: Path, owner: Owner) -> None:
    """Write every file with mode 0600 into directories of mode 0700, all owned by `owner`.

    LabError where the directory cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        for name in project.directories:
            _make_directory(directory, PurePath(name))
        for name, content in project.files.items():
            _make_directory(directory, PurePath(name).parent)
            descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
        if os.getuid() == 0:
            for path in [directory, *directory.rglob("*")]:
                os.chown(path, owner.uid, owner.gid)
    except OSError as error:
        raise LabError(
            f"cannot write the project of the lab in {directory}: {error.strerror}",
            "Make room or set LAB_HOME to a directory that can be written.",
        ) from error


def _make_directory(root: Path, name: PurePath) -> None:
    """Make `root`/`name` and what lies between."""
    for part in (*reversed(name.parents[:-1]), name):
        (root / part).mkdir(exist_ok=True, mode=0o700)


def compose_up(
    lab: str,
    directory: Path,
    lock: Lock,
    services: Sequence[str] = (),
    part: tuple[str, str] = ("compose.yaml", ""),
    *,
    start: bool = True,
) -> None:
    """Create and start `services` (default: all); LabError with Compose's own last words.

    `part` is the compose file, and the engine of its host; empty: the one that `docker` uses.
    Where they are not to `start`, only they and their networks are made.
    However this process ends, Compose ends what it has begun first and holds the lock so
    long: nothing appears after the lab was removed.
    """
    file, engine = part
    command = [
        *compose_command(),
        *("--project-name", project_name(lab), "--file", str(directory / file)),
        *("up", "--detach" if start else "--no-start", "--no-color", "--quiet-pull", *services),
    ]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[lock.descriptor],
            env=environment_for(engine),
        )
        try:
            process.wait()
        except BaseException:
            _await_end(process)
            raise
        said.seek(0)
        output = said.read()
    log.debug("%s\n%s", " ".join(command), output)
    if process.returncode:
        raise LabError(*_explain(lab, output))


def _await_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_COMPOSE_GRACE_S)
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def stop_containers(client: DockerClient, containers: Iterable[RunningNode]) -> None:
    """Stop what of these runs, at once."""
    for one in containers:
        try:
            client_of(client, one.engine).api.kill(one.container_id)
        except APIError as error:
            log.debug("%s did not run: %s", one.name, error.explanation)


def resume_containers(client: DockerClient, containers: Iterable[RunningNode]) -> None:
    """Let paused ones go on; LabError where one cannot."""
    for one in containers:
        try:
            client_of(client, one.engine).api.unpause(one.container_id)
        except APIError as error:
            reason = error.explanation or error
            raise LabError(f"{one.name} is paused and cannot go on: {reason}") from error


def remove_containers(client: DockerClient, containers: Iterable[RunningNode]) -> None:
    """Remove these, whatever their state."""
    for one in containers:
        _remove_container(client_of(client, one.engine), one.container_id)


def _explain(lab: str, output: str) -> tuple[str, str]:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    reason = next((line for line in reversed(lines) if "rror" in line), lines[-1] if lines else "")
    if "Pool overlaps" in reason or "conflicts with network" in reason:
        return (
            f"lab {lab} cannot have its subnet, another network of this host uses it: {reason}",
            "Remove that network, or take the fixed `subnet` out of the topology.",
        )
    if str(places.TUN) in reason and "no such file" in reason:
        return (
            f"lab {lab} needs {places.TUN} for OpenVPN and this host has none: {reason}",
            "Load the module (`modprobe tun`) or ask for a kernel that has it.",
        )
    return f"lab {lab} did not start: {reason}", "`lab --debug up` shows all that Compose said."


def remove_lab(client: DockerClient, lab: str) -> int:
    """Remove every container, network and volume of the lab and its project directory.

    Returns how many Docker objects went. The results of calls stay. LabError, once all else of it
    is gone, where a host does not answer that has something of the lab.
    """
    try:
        return remove_containers_and_networks(client, lab)
    finally:
        shutil.rmtree(storage.project_directory(lab), ignore_errors=True)


def remove_containers_and_networks(client: DockerClient, lab: str) -> int:
    """The same, but for the project's directory."""
    label, removed, left = f"{labels.LAB}={lab}", 0, list[LabError]()
    for host, engine in other_engines(client, lab).items():
        try:
            removed += remove_labelled(client_of(client, engine), engine, label)
        except (LabError, DockerException, RequestException) as error:
            reason = trouble(error) or sentence_of(error)
            left.append(
                LabError(
                    f"what lab {lab} has on host {host} is left: {reason}",
                    f"Once it answers, `DOCKER_HOST={engine} lab down {lab}` removes it.",
                )
            )
    # Once this host's are gone, nothing tells any more which other hosts there were.
    try:
        removed += remove_labelled(client, "", label)
    except LabError as error:
        left.append(error)
    if left:
        raise together(left)
    return removed


def remove_labelled(client: DockerClient, engine: str, label: str) -> int:
    """Remove every container, network and volume with that label; returns how many.

    `engine` is the address of the client's engine, see `client_of`. LabError, once they are gone,
    where what joined networks to other hosts may be left.
    """
    removed = 0
    joined: LabError | None = None
    for _ in range(_ROUNDS):
        containers = client.api.containers(all=True, quiet=True, filters={"label": label})
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(lambda item: _remove_container(client, item["Id"]), containers))
        networks = client.networks.list(filters={"label": label})
        volumes = client.volumes.list(filters={"label": label})
        try:
            part_networks(engine, networks)
        except LabError as error:
            joined = error
        for item in (*networks, *volumes):
            try:
                item.remove()
            except NotFound:
                log.debug("%s was gone already", item.id)
            except APIError as error:
                log.debug("%s cannot go yet: %s", item.id, error.explanation)
        removed += len(containers) + len(networks) + len(volumes)
        if not containers and not networks and not volumes:
            if joined is not None:
                raise LabError(
                    f"what joined its networks to other hosts may be left: {joined.message}",
                    "`ip link show type vxlan` shows it (vtlab-…), `ip link delete` removes it.",
                )
            return removed
    raise LabError(
        f"Docker still holds containers or networks labelled {label}",
        "Try again; `docker ps -a --filter label=" + label + "` shows them.",
    )


def _remove_container(client: DockerClient, container_id: str) -> None:
    try:
        client.api.remove_container(container_id, force=True, v=True)
    except NotFound:
        log.debug("%s was gone already", container_id)
    except APIError as error:
        log.debug("%s cannot go yet: %s", container_id, error.explanation)
