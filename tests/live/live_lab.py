"""What live tests share: the engine, and one lab `paper`, brought up once for all of them.

Where `CI` is set a host that lacks something fails instead of skipping (`honest_skips`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from lab_command import LabCommand, things_of

from lab.engine import client as engine
from lab.engine.compose_plugin import compose_command
from lab.errors import LabError
from lab.images import build
from lab.wire import places


@dataclass(frozen=True, slots=True)
class LiveLab:
    """A lab that is up."""

    name: str
    lab: LabCommand
    said: dict[str, Any]
    """What `lab up --json` said."""

    @property
    def project(self) -> Path:
        """The directory of its rendered project."""
        return self.lab.project(self.name)

    def status(self) -> Any:
        """`lab status NAME --json`."""
        return self.lab.json("status", self.name)


@pytest.fixture(scope="session")
def docker_client() -> Iterator[DockerClient]:
    """The engine; skips where none answers."""
    try:
        client = engine.connect()
    except LabError as error:
        pytest.skip(error.message)
    yield client
    client.close()


@pytest.fixture(scope="session")
def able_host(docker_client: DockerClient) -> DockerClient:
    """The engine of a host that can run labs; skips with the reason where it cannot."""
    try:
        compose_command()
    except LabError as error:
        pytest.skip(error.message)
    if not Path(places.TUN).exists():
        pytest.skip(f"no {places.TUN}")
    if lacking := build.missing(docker_client):
        pytest.skip(f"images are missing, `lab setup` builds them: {', '.join(lacking)}")
    return docker_client


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> LabCommand:
    """The command line; its LAB_HOME is readable for nodes, as pytest's directories are not."""
    home = tmp_path_factory.mktemp("home")
    return LabCommand(home)


@pytest.fixture
def lab_name(able_host: DockerClient, lab: LabCommand) -> Iterator[str]:
    """A name no lab has; whatever is up under it at the end is taken down."""
    name = f"test-{secrets.token_hex(3)}"
    yield name
    lab.run("down", name)
    assert things_of(able_host, name) == {}


@pytest.fixture(scope="session")
def paper(able_host: DockerClient, lab: LabCommand) -> Iterator[LiveLab]:
    """The default topology, up under a name of its own."""
    name = f"test-{secrets.token_hex(3)}"
    done = lab.run("up", "paper", "--name", name, "--json")
    try:
        assert done.returncode == 0, done.stderr
        yield LiveLab(name, lab, json.loads(done.stdout))
    finally:
        lab.run("down", name)
    assert things_of(able_host, name) == {}
