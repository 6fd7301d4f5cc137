"""Take labs down: by label, so that whatever any lab left goes too."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from docker import DockerClient

from lab import storage
from lab.engine.discovery import find_labs
from lab.engine.lock import locked
from lab.engine.project import remove_lab, remove_labelled
from lab.errors import LabError
from lab.render import labels


@dataclass(frozen=True, slots=True)
class Removed:
    """What a `down` took away."""

    lab: str
    docker_objects: int
    """Containers, networks and volumes."""


def down(client: DockerClient, name: str | None) -> Removed:
    """Remove the lab called `name` (default: the only one) and its secrets.

    LabError where it is not clear which one is meant. A name of which nothing is left is
    no error: what was asked for is so.
    """
    if name is None:
        names = {lab.name for lab in find_labs(client)} | _leftover_names(client)
        if len(names) > 1:
            raise LabError(
                f"several labs are up: {', '.join(sorted(names))}",
                "Say which one, or `lab down --all`.",
            )
        if not names:
            return Removed("", 0)
        name = names.pop()
    with locked(name):
        return Removed(name, remove_lab(client, name))


def down_all(client: DockerClient) -> Removed:
    """Remove whatever any lab left on this host."""
    removed = remove_labelled(client, labels.LAB)
    shutil.rmtree(storage.home() / "labs", ignore_errors=True)
    return Removed("all labs", removed)


def _leftover_names(client: DockerClient) -> set[str]:
    """Labs of which only a part is left, as after a `kill -9` of `lab up`."""
    projects = (path.name for path in (storage.home() / "labs").glob("*/"))
    containers = client.containers.list(
        all=True, filters={"label": labels.LAB}, ignore_removed=True
    )
    networks = client.networks.list(filters={"label": labels.LAB})
    return {
        *projects,
        *(item.labels[labels.LAB] for item in containers),
        *(item.attrs["Labels"][labels.LAB] for item in networks),
    }
