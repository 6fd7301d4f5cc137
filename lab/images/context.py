"""What goes into an image, and the tag that follows from it: pure, no Docker.

The tag is a hash of everything that can change the image, so an image whose tag is there
needs no building, and one that changed has another name.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from lab import checkout
from lab.errors import LabError
from lab.images import programs

BASE_IMAGE = "debian:bookworm-slim"
"""What the base image is built from."""
BASE_ROLE = "base"
"""The role every other image is built from."""
REPOSITORY = "voice-tor-lab"
PACKAGES = "packages"
"""The directory of the context that holds the unpacked wheels of `wheels.txt`."""
AGENTS = "agents"
"""The directory of the context that holds the image's programs, a tree to put on PYTHONPATH."""
WHEELS_FILE = "wheels.txt"
PROGRAMS_FILE = "programs.txt"
_INSTRUCTION = re.compile(r"\s*(COPY|ADD)\s+(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Context:
    """The plan of one image."""

    role: str
    dockerfile: Path
    files: dict[str, Path]
    """Path inside the build context → file of the checkout; without the packages."""
    wheels: Path | None
    """The lock of the wheels that the image copies from `packages/`, if it does."""
    parent: str
    """The image it is built from: the build argument BASE."""
    tag: str
    """`voice-tor-lab/<role>:<hash>`."""


def roles(images: Path = checkout.IMAGES) -> tuple[str, ...]:
    """Every role that has a Dockerfile, the base image first."""
    found = {path.parent.name for path in images.glob("*/Dockerfile")}
    return tuple(sorted(found, key=lambda role: (role != BASE_ROLE, role)))


def plan(role: str, images: Path = checkout.IMAGES) -> Context:
    """What the image of `role` is made of; LabError where there is no such role."""
    if not (images / role / "Dockerfile").is_file():
        raise LabError(
            f"There is no image for the role {role!r}.",
            f"Roles are the directories of {images}: {', '.join(roles(images))}.",
        )
    parent = BASE_IMAGE if role == BASE_ROLE else plan(BASE_ROLE, images).tag
    return plan_directory(images / role, parent)


def plan_directory(directory: Path, parent: str) -> Context:
    """What the image described by `directory` is made of, built from the image `parent`."""
    role = directory.name
    dockerfile = directory / "Dockerfile"
    sources = copied_sources(dockerfile.read_text(encoding="utf-8"))
    files = {
        name: path
        for name, path in sorted(_own_files(directory).items())
        if any(_covers(source, name) for source in sources)
    }
    wheels = None
    if _copies(PACKAGES, sources):
        wheels = _beside(dockerfile, PACKAGES, WHEELS_FILE)
    if _copies(AGENTS, sources):
        named = programs.named_programs(_beside(dockerfile, AGENTS, PROGRAMS_FILE))
        modules = programs.files_of(named, checkout.ROOT)
        files |= {f"{AGENTS}/{name}": path for name, path in modules.items()}
    content = {"Dockerfile": dockerfile, **({WHEELS_FILE: wheels} if wheels else {}), **files}
    return Context(
        role, dockerfile, files, wheels, parent, f"{REPOSITORY}/{role}:{_digest(parent, content)}"
    )


def copied_sources(dockerfile: str) -> tuple[str, ...]:
    """The context paths that a Dockerfile's COPY and ADD instructions name, in order."""
    found: list[str] = []
    for line in re.sub(r"\\\s*\n", " ", dockerfile).splitlines():
        match = _INSTRUCTION.fullmatch(line)
        if not match or "--from=" in line:
            continue
        words = (
            json.loads(match[2])
            if match[2].startswith("[")
            else [word for word in shlex.split(match[2]) if not word.startswith("--")]
        )
        found.extend(word.removeprefix("./").rstrip("/") or "." for word in words[:-1])
    return tuple(found)


def _copies(directory: str, sources: tuple[str, ...]) -> bool:
    """Whether a directory that is made for the context, or a part of it, is copied."""
    return any(
        _covers(source, directory) or source.startswith(f"{directory}/") for source in sources
    )


def _beside(dockerfile: Path, copied: str, needed: str) -> Path:
    """The file by which the directory `copied` is made; LabError where there is none."""
    path = dockerfile.with_name(needed)
    if not path.is_file():
        raise LabError(f"{dockerfile} copies {copied}/, but there is no {needed} beside it.")
    return path


def _covers(source: str, name: str) -> bool:
    return source == "." or fnmatch(name, source) or name.startswith(f"{source}/")


def _own_files(directory: Path) -> dict[str, Path]:
    return {str(p.relative_to(directory)): p for p in _tree(directory)}


def _tree(directory: Path) -> Iterator[Path]:
    for path in directory.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def _digest(parent: str, content: dict[str, Path]) -> str:
    digest = hashlib.sha256(parent.encode())
    for name, path in content.items():
        data = path.read_bytes()
        executable = path.stat().st_mode & 0o100
        digest.update(f"\0{name}\0{executable}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:12]
