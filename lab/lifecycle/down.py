"""Take labs down: by label, so that whatever any lab left goes too."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from docker import DockerClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from lab import storage
from lab.engine.client import trouble
from lab.engine.lock import locked
from lab.engine.owners import check_mine, is_mine, owners
from lab.engine.project import remove_containers_and_networks, remove_lab
from lab.errors import LabError, together
from lab.events import Began, Listener
from lab.interruption import undisturbed


@dataclass(frozen=True, slots=True)
class Removed:
    """What a `down` took away."""

    lab: str
    docker_objects: int
    """Containers, networks and volumes."""


def down(client: DockerClient, name: str | None) -> Removed:
    """Remove the lab called `name` (default: this user's only one) and its secrets.

    LabError where it is not clear which one is meant, and for another user's. A name of which
    nothing is left is no error: what was asked for is so.
    """
    if name is None:
        names = names_of_labs(client)
        if len(names) > 1:
            raise LabError(
                f"several labs are up: {', '.join(sorted(names))}",
                "Say which one, or `lab down --all`.",
            )
        if not names:
            return Removed("", 0)
        name = names.pop()
    check_mine(name, owners(client).get(name), "Only they can take it down.")
    with locked(name):
        return Removed(name, remove_lab(client, name))


def down_all(client: DockerClient) -> Removed:
    """Remove whatever any lab of this user left on this host, and on others that it spans.

    LabError, once all else is gone, that says what could not be removed.
    """
    removed, left = 0, list[LabError]()
    for name in sorted(names_of_labs(client)):
        try:
            removed += remove_containers_and_networks(client, name)
        except LabError as error:
            left.append(error)
    shutil.rmtree(storage.home() / "labs", ignore_errors=True)
    if left:
        raise together(left)
    return Removed("all labs", removed)


def take_back(client: DockerClient, name: str, tell: Listener) -> None:
    """Remove what an `up` that failed has started.

    LabError that says what is left, and what to do, where the engine is gone as well.
    """
    with undisturbed():
        tell(Began("taking down what was started"))
        try:
            remove_lab(client, name)
        except (DockerException, RequestException) as error:
            raise LabError(
                f"lab {name} is not up, and what was started of it is left: {trouble(error)}",
                f"Once the engine answers, `lab up` goes on with it; `lab down {name}` removes it.",
            ) from error


def names_of_labs(client: DockerClient) -> set[str]:
    """This user's labs, also what is left of one, as after a `kill -9` of `lab up`."""
    projects = {path.name for path in (storage.home() / "labs").glob("*/")}
    found = owners(client)
    return {name for name in projects | found.keys() if is_mine(found.get(name))}
