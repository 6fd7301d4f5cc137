"""The `lab` command as a user runs it, with a LAB_HOME of its own, and what it leaves in Docker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from docker import DockerClient

from lab.render import labels

LAB = Path(sys.executable).with_name("lab")
UP_TIMEOUT_S = 90.0


@dataclass(frozen=True, slots=True)
class LabCommand:
    """The command line with its own LAB_HOME."""

    home: Path

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start `lab words…` with these changes of the environment."""
        return self.start_into(subprocess.PIPE, *words, **environment)

    def start_into(
        self, stdout: int | IO[str], *words: str, **environment: str
    ) -> subprocess.Popen[str]:
        """The same, with its output in a file."""
        return subprocess.Popen(
            [LAB, *words],
            env={**os.environ, "LAB_HOME": str(self.home), **environment},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(
        self, *words: str, timeout_s: float = UP_TIMEOUT_S, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `lab words…` to its end."""
        process = self.start(*words, **environment)
        return ended(process, timeout_s)

    def json(self, *words: str, status: int = 0) -> Any:
        """What `lab words… --json` prints, ended with exit status `status`."""
        done = self.run(*words, "--json")
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout)

    def project(self, lab: str) -> Path:
        """The directory of a lab's rendered project."""
        return self.home / "labs" / lab


def ended(process: subprocess.Popen[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    """The outcome of a process that ends within `timeout_s`; one that does not is killed."""
    with ExitStack() as stack:
        stack.callback(kill, process)
        out, err = process.communicate(timeout=timeout_s)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def kill(process: subprocess.Popen[str]) -> None:
    """End a process without warning, if it still runs, as `kill -9` does."""
    if process.poll() is None:
        process.kill()
        process.wait()


def interrupt(process: subprocess.Popen[str]) -> None:
    """What Ctrl-C does."""
    process.send_signal(signal.SIGINT)


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """What a failed command says: one sentence after `lab:`, no traceback, nothing on stdout."""
    assert "Traceback" not in done.stderr, done.stderr
    assert not done.stdout, done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith("lab: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def things_of(client: DockerClient, lab: str) -> dict[str, list[str]]:
    """The containers, networks and volumes that carry the label of a lab, by kind."""
    wanted = {"label": f"{labels.LAB}={lab}"}
    found = {
        "containers": [c["Names"][0] for c in client.api.containers(all=True, filters=wanted)],
        "networks": [n.name for n in client.networks.list(filters=wanted)],
        "volumes": [v.name for v in client.volumes.list(filters=wanted)],
    }
    return {kind: sorted(names) for kind, names in found.items() if names}


def nodes_of(client: DockerClient, lab: str) -> dict[str, Mapping[str, Any]]:
    """Node → its container as Docker lists it."""
    wanted = {"label": [f"{labels.LAB}={lab}", labels.NODE]}
    containers = client.api.containers(all=True, filters=wanted)
    return {container["Labels"][labels.NODE]: container for container in containers}


def running_nodes(client: DockerClient, lab: str) -> set[str]:
    """The nodes that run."""
    return {n for n, found in nodes_of(client, lab).items() if found["State"] == "running"}


def wait_for(what: str, condition: Callable[[], object], deadline_s: float = 30.0) -> None:
    """Wait until `condition()` holds; an assertion says what did not come."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"no {what} within {deadline_s:.0f} s"
        time.sleep(0.05)
