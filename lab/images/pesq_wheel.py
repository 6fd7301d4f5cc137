"""Install `pesq` on this host: the one dependency that is published as C source only.

With a compiler and Python's headers pip builds it. Without, it is built in a container of
the same Python (3.11), whose wheel then runs here.
"""

from __future__ import annotations

import importlib.util
import io
import shutil
import sys
import sysconfig
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

from docker import DockerClient

from lab.errors import LabError
from lab.events import Began, Listener, silent
from lab.images import build, context, wheels

RECIPE = Path(__file__).parent / "pesq"
_SOURCE = RECIPE / "source.lock"
_COMPILER = "`apt-get install gcc python3-dev`"


def installed() -> bool:
    """Whether this Python has pesq."""
    importlib.invalidate_caches()
    return importlib.util.find_spec("pesq") is not None


def has_compiler() -> bool:
    """Whether an extension module can be compiled for this Python on this host."""
    header = Path(sysconfig.get_path("include")) / "Python.h"
    return header.exists() and any(shutil.which(name) for name in ("cc", "gcc", "clang"))


def install_here(tell: Listener) -> None:
    """Install pesq without Docker; LabError where it cannot be compiled here."""
    if not has_compiler():
        raise LabError(
            "pesq must be compiled, and this host has no C compiler.",
            f"Install one ({_COMPILER}), or run `lab setup`, which compiles it in a container.",
        )
    tell(Began("compiling pesq with this host's compiler"))
    wheels.pip(_SOURCE, "install", "--require-hashes", *wheels.BUILD_HERE, f"-r{_SOURCE}")


def install(client: DockerClient, tell: Listener) -> None:
    """Install pesq; the base image must be built where there is no compiler.

    LabError where it cannot be compiled here and a container's Python is another one.
    """
    if has_compiler():
        install_here(tell)
        return
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if version != wheels.IMAGE_PYTHON:
        raise LabError(
            f"pesq must be compiled, and this host has no C compiler for Python {version}.",
            f"Install one ({_COMPILER}), or make .venv with Python "
            f"{wheels.IMAGE_PYTHON}, for which a container can compile it.",
        )
    tell(Began("no C compiler here: compiling pesq in a container"))
    with tempfile.TemporaryDirectory(prefix="voice-tor-lab-") as scratch:
        wheel = _build_in_container(client, Path(scratch))
        wheels.pip(_SOURCE, "install", "--no-deps", "--no-index", str(wheel))


def _build_in_container(client: DockerClient, scratch: Path) -> Path:
    wheels.pip(
        _SOURCE,
        "download",
        "--require-hashes",
        "--no-binary=:all:",
        *wheels.BUILD_HERE,
        f"-r{_SOURCE}",
        f"-d{scratch}",
    )
    source = next(scratch.glob("*.tar.gz"))
    plan = context.plan_directory(RECIPE, context.plan(context.BASE_ROLE).tag)
    plan = replace(plan, files={**plan.files, "source.tar.gz": source})
    build.build(client, plan, silent)
    try:
        return _take_wheel(client, plan.tag, scratch)
    finally:
        client.images.remove(plan.tag)


def _take_wheel(client: DockerClient, tag: str, target: Path) -> Path:
    container = client.containers.create(tag)
    try:
        chunks, _ = container.get_archive("/wheel")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            member = next(entry for entry in archive if entry.name.endswith(".whl"))
            packed = archive.extractfile(member)
            assert packed is not None
            wheel = target / Path(member.name).name
            wheel.write_bytes(packed.read())
    finally:
        container.remove()
    return wheel
