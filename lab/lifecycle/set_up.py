"""Get what this host lacks: Compose v2, pesq, the base image and the lab's images."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from docker import DockerClient

from lab.engine import compose_plugin
from lab.errors import LabError
from lab.events import Began, Ended, Listener
from lab.images import base_image, build, context, pesq_wheel


def set_up(client: DockerClient, tell: Listener, roles: Sequence[str] = ()) -> None:
    """Get all that is missing, of the images those of `roles` (default: all).

    What is there already is left alone. LabError where a step fails.
    """
    _ensure_compose(tell)
    ensure_images(client, tell, roles)
    if not pesq_wheel.installed():
        if not pesq_wheel.has_compiler():
            ensure_images(client, tell, [context.BASE_ROLE])
        with _stage(tell, "pesq"):
            pesq_wheel.install(client, tell)


def set_up_without_docker(tell: Listener) -> None:
    """Get pesq where it is missing; LabError where this host has no C compiler."""
    if not pesq_wheel.installed():
        with _stage(tell, "pesq"):
            pesq_wheel.install_here(tell)


def ensure_images(client: DockerClient, tell: Listener, roles: Sequence[str] = ()) -> None:
    """Obtain the base image and build the images of `roles` (default: all) that are missing."""
    lacking = build.missing(client, roles)
    if not lacking:
        return
    if not base_image.present(client):
        with _stage(tell, f"image {context.BASE_IMAGE}"):
            base_image.obtain(client, tell)
    build.build_missing(client, tell, lacking)


def _ensure_compose(tell: Listener) -> None:
    try:
        compose_plugin.compose_command()
    except LabError:
        with _stage(tell, "Compose v2"):
            compose_plugin.obtain(tell)


@contextmanager
def _stage(tell: Listener, name: str) -> Iterator[None]:
    tell(Began(name))
    began, succeeded = time.monotonic(), False
    try:
        yield
        succeeded = True
    finally:
        tell(Ended(name, time.monotonic() - began, succeeded))
