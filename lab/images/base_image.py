"""Obtain `debian:bookworm-slim`: pulled from a registry, or made here with debootstrap.

Where no registry answers (a proxy, a closed build host), Debian's own archive often does:
`debootstrap` gives the same system, signed by the same keys, and `docker import` an image.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from docker import DockerClient
from docker.errors import APIError, DockerException, ImageNotFound
from requests.exceptions import RequestException

from lab.engine import client as engine
from lab.errors import LabError
from lab.events import Began, Listener, Noted
from lab.images.context import BASE_IMAGE

log = logging.getLogger(__name__)

SILENCE_S = 20
"""How long a registry may say nothing before the pull is given up."""
SUITE = "bookworm"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SCRATCH = "/var/tmp"  # noqa: S108 - /tmp is often mounted nodev, which debootstrap refuses
_LEFT_OUT = (
    "./dev/*",
    "./proc/*",
    "./sys/*",
    "./tmp/*",
    "./var/cache/apt/*",
    "./var/lib/apt/lists/*",
    "./var/log/*",
    "./usr/share/doc/*",
    "./usr/share/info/*",
    "./usr/share/locale/*",
    "./usr/share/man/*",
)


def present(client: DockerClient) -> bool:
    """Whether Docker has the base image."""
    try:
        client.images.get(BASE_IMAGE)
    except ImageNotFound:
        return False
    return True


def obtain(client: DockerClient, tell: Listener) -> None:
    """Pull the base image or, where that fails, make it; `tell` hears of each step.

    LabError where neither works, with what to run.
    """
    tell(Began(f"pulling {BASE_IMAGE}"))
    try:
        _pull()
    except LabError as error:
        tell(Noted(f"no registry gave {BASE_IMAGE} ({error.message})"))
        _bootstrap(client, tell)


def _pull() -> None:
    repository, tag = BASE_IMAGE.split(":")
    impatient = engine.connect(timeout_s=SILENCE_S)
    try:
        for message in impatient.api.pull(repository, tag, stream=True, decode=True):
            if "error" in message:
                raise LabError(str(message["error"]))
    except (RequestException, DockerException) as error:
        raise LabError(_why_not_pulled(error)) from error
    finally:
        impatient.close()


def _why_not_pulled(error: Exception) -> str:
    if isinstance(error, APIError):
        return str(error.explanation)
    if engine.went_silent(error):
        return f"nothing heard for {SILENCE_S} s"
    return f"{type(error).__name__}: {error}"


def _bootstrap(client: DockerClient, tell: Listener) -> None:
    _ensure_debootstrap(tell)
    with tempfile.TemporaryDirectory(prefix="voice-tor-lab-", dir=_SCRATCH) as scratch:
        root = Path(scratch) / "root"
        tell(Began(f"making {BASE_IMAGE} with debootstrap instead (about a minute)"))
        _run(
            "debootstrap",
            "--variant=minbase",
            "--force-check-gpg",
            f"--keyring={KEYRING}",
            SUITE,
            str(root),
        )
        sources = root / "etc/apt/sources.list"
        sources.write_text(with_updates(sources.read_text(encoding="ascii")), encoding="ascii")
        tell(Began(f"importing it into Docker as {BASE_IMAGE}"))
        _import(client, root)


def with_updates(sources: str) -> str:
    """The sources.list that debootstrap left, with updates and security fixes added.

    Debian serves the latter beside its main archive, as `…/debian-security`.
    """
    _, mirror, *_ = sources.split()
    return (
        f"deb {mirror} {SUITE} main\n"
        f"deb {mirror} {SUITE}-updates main\n"
        f"deb {mirror.rstrip('/')}-security {SUITE}-security main\n"
    )


def _import(client: DockerClient, root: Path) -> None:
    repository, tag = BASE_IMAGE.split(":")
    excluded = [f"--exclude={pattern}" for pattern in _LEFT_OUT]
    command = ["tar", "--numeric-owner", *excluded, "-C", str(root), "-c", "."]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as archive:
        assert archive.stdout is not None
        client.api.import_image_from_stream(
            archive.stdout, repository=repository, tag=tag, changes=["CMD bash"]
        )
    if archive.returncode:
        client.images.remove(BASE_IMAGE)
        raise LabError(f"tar could not pack the system that debootstrap made in {root}.")


def _ensure_debootstrap(tell: Listener) -> None:
    """Have debootstrap and Debian's keys here, or say what to run."""
    installed = shutil.which("debootstrap") and KEYRING.exists()
    if os.geteuid() == 0 and (installed or shutil.which("apt-get")):
        if not installed:
            tell(Began("installing debootstrap with apt-get"))
            _run("apt-get", "update", "-q")
            _run(
                "apt-get",
                "install",
                "-qy",
                "--no-install-recommends",
                "debootstrap",
                "debian-archive-keyring",
            )
        return
    raise LabError(
        f"The base image {BASE_IMAGE} is missing and cannot be made here.",
        "Making it takes debootstrap and root: run `sudo .venv/bin/lab setup base` once on a "
        f"Debian or Ubuntu host; or on a host with a registry `docker pull {BASE_IMAGE}` and "
        f"`docker save {BASE_IMAGE} -o base.tar`, and here `docker load -i base.tar`.",
    )


def _run(*command: str) -> None:
    log.debug("%s", " ".join(command))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env=environment,
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise LabError(f"{command[0]} failed.", "\n".join(lines[-15:]))
