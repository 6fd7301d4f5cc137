"""Build the images that are missing, the base image first, each from a context of what it needs.

How to write `images/<role>/Dockerfile`:

- It begins `ARG BASE` and `FROM ${BASE}`. BASE is `debian:bookworm-slim` for `images/base`
  and the base image (python3 3.11, tini as entry point, PYTHONPATH=/opt/lab) for all others.
- `COPY` sees the files of `images/<role>/` by their own names; only those it names are sent.
- `COPY agents/ /opt/lab/` brings the programs of `lab.agents` that `images/<role>/programs.txt`
  names, and what they import, so that `python3 -m lab.agents.tor.relay` works.
  `RUN python3 -m compileall -q /opt/lab` follows: the file system is read-only at run time.
- `COPY packages/ /usr/local/lib/python3.11/dist-packages/` brings the wheels pinned in
  `images/<role>/wheels.txt` (pip's format: `name==version --hash=sha256:…`), unpacked on the
  host. There is no pip in the images. The same step follows for that directory.
- `COPY shared/…` sees `images/shared/`, the sources of what is in several images.
- What changes most comes last: `agents/` after everything else.

The tag is `voice-tor-lab/<role>:<hash>` over all of that: `image_tag` tells it without Docker.
"""

from __future__ import annotations

import fcntl
import io
import logging
import os
import re
import tarfile
import tempfile
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock
from typing import IO, Any

from docker import DockerClient
from docker.errors import APIError, ImageNotFound

from lab import checkout
from lab.errors import LabError
from lab.events import Building, Happening, Listener
from lab.images import context, wheels
from lab.tor_versions import plain_image

log = logging.getLogger(__name__)

ROLE_LABEL = "org.voice-tor-lab.role"
CHECKOUT_LABEL = "org.voice-tor-lab.checkout"
"""The directory an image was built from: two checkouts never remove each other's images."""
AT_ONCE = 2
"""Packages are unpacked by one process, so that two builds take little longer than one."""
_LOG_LINES = 15
_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)", re.DOTALL)
_CHATTER = re.compile(r"--->|Removing intermediate container|Successfully ")


def image_tag(role: str) -> str:
    """The tag of the image of `role` as the checkout stands; LabError for an unknown role."""
    return context.plan(role).tag


def missing(client: DockerClient, roles: Sequence[str] = ()) -> tuple[str, ...]:
    """Which of `roles` (default: all, in building order) have no image."""
    return tuple(role for role in roles or context.roles() if not present(client, image_tag(role)))


def build_missing(
    client: DockerClient, tell: Listener, roles: Sequence[str] = ()
) -> tuple[str, ...]:
    """Build what is missing of `roles` (default: all) and return what was built.

    `debian:bookworm-slim` must be there. LabError names the step that failed and ends with
    its last lines; images built before it stay.
    """
    with _one_builder():
        steps = [missing(client, step) for step in in_order(missing(client, roles))]
        for step in steps:
            _build_side_by_side(client, [context.plan(role) for role in step], tell)
    return tuple(role for step in steps for role in step)


def in_order(roles: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """What building `roles` takes, step by step: the images they are built from come first."""
    other_tor = [(role, plain[0]) for role in roles if (plain := plain_image(role))]
    last = tuple(role for role, _ in other_tor)
    own = [role for role in roles if role not in last]
    second = dict.fromkeys(role for role in (*own, *(plain for _, plain in other_tor)))
    second.pop(context.BASE_ROLE, None)
    steps = ((context.BASE_ROLE,), tuple(second), last) if roles else ()
    return tuple(step for step in steps if step)


def _build_side_by_side(
    client: DockerClient, plans: Sequence[context.Context], tell: Listener
) -> None:
    """Build some images that do not need each other; the first failure ends the other builds."""
    given_up, one_tells = Event(), Lock()

    def tell_unless_given_up(happening: Happening) -> None:
        if given_up.is_set():
            raise _GivenUp
        with one_tells:
            tell(happening)

    def build_one(plan: context.Context) -> None:
        build(client, plan, tell_unless_given_up)
        _remove_superseded(client, plan)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        builds = [pool.submit(build_one, plan) for plan in plans]
        try:
            for done in as_completed(builds):
                done.result()
        except BaseException:
            given_up.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _GivenUp(Exception):  # noqa: N818 - no error: it is how a build is left
    """Another build has failed, or was interrupted."""


@contextmanager
def _one_builder() -> Iterator[None]:
    """Let two labs that start at once build an image once: the second finds it there."""
    directory = os.open(checkout.IMAGES, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def build(client: DockerClient, plan: context.Context, tell: Listener) -> None:
    """Build one image whose parent is there; LabError where a step fails."""
    packages = None
    if plan.wheels:
        tell(Building(plan.role, 0, 1, f"fetching the packages of {plan.wheels.name}"))
        packages = wheels.unpacked(plan.wheels)
    with tempfile.TemporaryFile() as archive:
        _write_archive(plan, packages, archive)
        archive.seek(0)
        # Closing the answer early, on Ctrl-C say, is what makes the engine stop the build.
        with closing(_build_messages(client, plan, archive)) as messages:
            last = _follow(plan.role, messages, tell)
    tell(replace(last, text="ready", ready=True))


def _follow(role: str, messages: Iterator[dict[str, Any]], tell: Listener) -> Building:
    """Tell every message; the last step."""
    step, tail = Building(role, 0, 1, ""), list[str]()
    for message in messages:
        text = str(message.get("stream", message.get("error", ""))).strip()
        if match := _STEP.fullmatch(text):
            step = Building(role, int(match[1]), int(match[2]), match[3])
            tell(step)
        elif text and not _CHATTER.match(text):
            tail = [*tail, *text.splitlines()][-_LOG_LINES:]
            tell(Building(role, step.step, step.steps, tail[-1]))
        if "error" in message:
            raise LabError(
                f"Building the image of {role!r} failed in step "
                f"{step.step} of {step.steps}: {step.text}",
                "Its last lines:\n" + "\n".join(tail),
            )
    return step


def _build_messages(
    client: DockerClient, plan: context.Context, archive: IO[bytes]
) -> Generator[dict[str, Any], None, None]:
    try:
        yield from client.api.build(
            fileobj=archive,
            custom_context=True,
            tag=plan.tag,
            buildargs={"BASE": plan.parent, **plan.arguments},
            labels={ROLE_LABEL: plan.role, CHECKOUT_LABEL: str(checkout.ROOT)},
            rm=True,
            forcerm=True,
            decode=True,
        )
    except APIError as error:
        raise LabError(
            f"Docker refused to build the image of {plan.role!r}.", error.explanation
        ) from error


def _write_archive(plan: context.Context, packages: Path | None, target: IO[bytes]) -> None:
    files = {"Dockerfile": plan.dockerfile, **plan.files}
    if packages:
        files |= {
            f"{context.PACKAGES}/{path.relative_to(packages)}": path
            for path in sorted(packages.rglob("*"))
            if path.is_file()
        }
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, path in files.items():
            data = path.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            archive.addfile(entry, io.BytesIO(data))


def present(client: DockerClient, tag: str) -> bool:
    """Whether there is an image of that tag."""
    try:
        client.images.get(tag)
    except ImageNotFound:
        return False
    return True


def _remove_superseded(client: DockerClient, current: context.Context) -> None:
    own = [f"{ROLE_LABEL}={current.role}", f"{CHECKOUT_LABEL}={checkout.ROOT}"]
    for image in client.images.list(filters={"label": own}):
        for name in image.tags or [image.id]:
            if name != current.tag:
                try:
                    client.images.remove(name)
                except APIError as error:
                    log.debug("keeping %s: %s", name, error.explanation)
