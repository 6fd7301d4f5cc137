"""`lab setup`: get what this host lacks."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click
from docker import DockerClient
from rich.status import Status
from rich.text import Text

from lab.cli.output import err
from lab.engine import client as engine
from lab.engine import compose_plugin
from lab.errors import LabError
from lab.events import Began, Building, Happening, Noted
from lab.images import base_image, build, context, pesq_wheel


@click.command()
@click.argument("roles", nargs=-1)
@click.option(
    "--here",
    is_flag=True,
    help="Only pesq, without which nothing is scored: takes a C compiler, but no Docker.",
)
def command(roles: tuple[str, ...], here: bool) -> None:
    """Get what this host lacks: Compose v2, pesq, the base image and the lab's images.

    What is there already is left alone. With ROLES only these images are built.
    """
    if here:
        if not pesq_wheel.installed():
            with _doing("pesq") as status:
                pesq_wheel.install_here(status.tell)
        return
    client = engine.connect()
    ensure_compose()
    ensure_images(client, roles)
    if not pesq_wheel.installed():
        if not pesq_wheel.has_compiler():
            ensure_images(client, [context.BASE_ROLE])
        with _doing("pesq") as status:
            pesq_wheel.install(client, status.tell)
    err.print("Everything is set up.")


def ensure_compose() -> None:
    """Fetch Compose v2 where it is missing; LabError where that cannot be done."""
    try:
        compose_plugin.compose_command()
    except LabError:
        with _doing("Compose v2") as status:
            compose_plugin.obtain(status.tell)


def ensure_images(client: DockerClient, roles: Sequence[str] = ()) -> None:
    """Obtain the base image and build the images of `roles` (default: all) that are missing.

    Tells on stderr what is being done; LabError where a step fails.
    """
    lacking = build.missing(client, roles)
    if not lacking:
        return
    if not base_image.present(client):
        with _doing(f"image {context.BASE_IMAGE}") as status:
            base_image.obtain(client, status.tell)
    with _Builds() as builds:
        build.build_missing(client, builds.tell, lacking)


class _doing:  # noqa: N801 - reads as a verb where it is used
    """A line on stderr for as long as something is done, and one when it is finished."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._status = Status(Text(f"{name} …"), console=err)

    def __enter__(self) -> _doing:
        self._started = time.monotonic()
        self._status.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._status.stop()
        if kind is None:
            err.print(f"{self._name}: ready after {time.monotonic() - self._started:.1f} s")

    def tell(self, happening: Happening) -> None:
        """Print a line that stays."""
        match happening:
            case Began(line) | Noted(line):
                err.print(f"{self._name}: {line}", soft_wrap=True)


class _Builds:
    """A line on stderr for the images that are being built, and one for each that is ready."""

    def __init__(self) -> None:
        self._status = Status("images …", console=err)
        self._began: dict[str, float] = {}
        self._steps: dict[str, str] = {}

    def __enter__(self) -> _Builds:
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def tell(self, happening: Happening) -> None:
        """Show how far the image of one role is."""
        if not isinstance(happening, Building):
            return
        role, now, progress = happening.role, time.monotonic(), happening
        began = self._began.setdefault(role, now)
        self._steps[role] = f"{role}: step {progress.step} of {progress.steps}: {progress.text}"
        if progress.ready:
            del self._steps[role]
            err.print(f"image {role}: ready after {now - began:.1f} s")
        room = max((err.width - 4) // max(1, len(self._steps)) - 2, 20)
        line = "; ".join(" ".join(step.split())[:room] for step in self._steps.values())
        self._status.update(Text(line))
