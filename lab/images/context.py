"""What goes into an image, and the tag that follows from it: pure, no Docker.

The tag is a hash of everything that can change the image, so an image whose tag is there
needs no building, and one that changed has another name.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path

from lab import checkout
from lab.errors import LabError
from lab.images import programs
from lab.tor_versions import TOR_VERSIONS, TorVersion, image_with, plain_image

BASE_IMAGE = "debian:bookworm-slim"
"""What the base image is built from."""
BASE_ROLE = "base"
"""The role every other image is built from."""
OTHER_TOR = "other-tor"
"""The directory of the images that are another one with another version of Tor."""
REPOSITORY = "voice-tor-lab"
PACKAGES = "packages"
"""The directory of the context that holds the unpacked wheels of `wheels.txt`."""
AGENTS = "agents"
"""The directory of the context that holds the image's programs, a tree to put on PYTHONPATH."""
SHARED = "shared"
"""The directory, of the context as of `images/`, that holds the sources of several images."""
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
    arguments: Mapping[str, str] = field(default_factory=dict)
    """Further build arguments."""


def roles(images: Path = checkout.IMAGES) -> tuple[str, ...]:
    """Every role that has a Dockerfile, the base image first; without those with another Tor."""
    found = {path.parent.name for path in images.glob("*/Dockerfile")} - {OTHER_TOR}
    return tuple(sorted(found, key=lambda role: (role != BASE_ROLE, role)))


def with_other_tor(images: Path = checkout.IMAGES) -> tuple[str, ...]:
    """What the images are called that have another Tor than the default one."""
    have_tor = [role for role in ("tor", "endpoint") if role in roles(images)]
    made = (image_with(role, version) for version in TOR_VERSIONS for role in have_tor)
    return tuple(name for name in made if name not in have_tor)


def plan(role: str, images: Path = checkout.IMAGES) -> Context:
    """What the image of `role` is made of; LabError where there is no such role."""
    if plain := plain_image(role):
        return _plan_other_tor(role, *plain, images)
    if not (images / role / "Dockerfile").is_file():
        raise LabError(
            f"There is no image for the role {role!r}.",
            f"Roles are the directories of {images}: {', '.join(roles(images))}; and with another "
            f"Tor {', '.join(with_other_tor(images))}.",
        )
    parent = BASE_IMAGE if role == BASE_ROLE else plan(BASE_ROLE, images).tag
    return plan_directory(images / role, parent)


def _plan_other_tor(name: str, image: str, version: TorVersion, images: Path) -> Context:
    """The image `image` with that version of Tor in the place of its own."""
    made = plan_directory(images / OTHER_TOR, plan(image, images).tag)
    arguments = {
        "PLAIN": plan(BASE_ROLE, images).tag,
        "SERIES": version.series,
        "SUITES": " ".join(version.suites),
    }
    digest = hashlib.sha256(json.dumps([made.tag, arguments]).encode()).hexdigest()[:12]
    return replace(made, role=name, tag=f"{REPOSITORY}/{name}:{digest}", arguments=arguments)


def plan_directory(directory: Path, parent: str) -> Context:
    """What the image described by `directory` is made of, built from the image `parent`."""
    role = directory.name
    dockerfile = directory / "Dockerfile"
    sources = copied_sources(dockerfile.read_text(encoding="utf-8"))
    there = {**_own_files(directory), **_shared_files(directory.parent)}
    files = {
        name: path
        for name, path in sorted(there.items())
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


def _shared_files(images: Path) -> dict[str, Path]:
    """What every image may copy, below `SHARED`."""
    return {str(path.relative_to(images)): path for path in _tree(images / SHARED)}


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
