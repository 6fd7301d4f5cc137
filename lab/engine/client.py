"""The connection to the Docker engine."""

from __future__ import annotations

import docker
from docker import DockerClient
from docker.errors import DockerException

from lab.errors import LabError


def connect() -> DockerClient:
    """Connect to the engine that the environment names; LabError where none answers."""
    try:
        client = docker.from_env(timeout=120)
        client.ping()
    except DockerException as error:
        raise LabError(
            f"the Docker engine does not answer: {_reason(error)}",
            "Start it (`systemctl start docker`, or `dockerd`) and check that this user "
            "may use it (`docker info`).",
        ) from error
    return client


def _reason(error: DockerException) -> str:
    text = str(error)
    if "FileNotFoundError" in text:
        return "its socket is not there"
    if "PermissionError" in text or "Permission denied" in text:
        return "this user may not open its socket"
    if "Connection refused" in text or "ConnectionRefusedError" in text:
        return "nothing listens on its socket"
    return text.splitlines()[0] if text else type(error).__name__
