"""What is installed is pinned: the locks cover what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import checkout

PROJECT = tomllib.loads((checkout.ROOT / "pyproject.toml").read_text())
COMPILED_HERE = {"pesq"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(requirements: list[str]) -> set[str]:
    return {normal(re.match(r"[\w.-]+", line)[0]) for line in requirements}  # type: ignore[index]


def pinned(lock: Path) -> Iterator[tuple[str, str]]:
    """The name of every requirement of a lock and the rest of its entry."""
    for entry in re.split(r"\n(?=\S)", lock.read_text()):
        name, _, rest = entry.partition("==")
        yield normal(name), rest


def test_everything_pyproject_asks_for_is_locked() -> None:
    project = PROJECT["project"]
    asked = wanted(project["dependencies"])
    for extra in ("nodes", "cluster", "web", "test"):
        asked |= wanted(project["optional-dependencies"][extra])
    locked = {name for name, _ in pinned(checkout.ROOT / "requirements.lock")}
    assert asked - COMPILED_HERE <= locked, "run `make lock`"


def test_the_packages_of_further_opinions_are_locked() -> None:
    locked = {name for name, _ in pinned(checkout.ROOT / "requirements-opinions.lock")}
    assert wanted(PROJECT["project"]["optional-dependencies"]["opinions"]) <= locked
    assert "libsvm-official" not in locked, "it would have to be compiled, and is not used"


def test_what_builds_is_locked() -> None:
    locked = {name for name, _ in pinned(checkout.ROOT / "requirements-build.lock")}
    assert wanted(PROJECT["dependency-groups"]["build"]) <= locked, "run `make lock`"


@pytest.mark.parametrize(
    "lock",
    [
        *checkout.ROOT.glob("requirements*.lock"),
        *checkout.ROOT.glob("lab/images/pesq/*.txt"),
        *checkout.ROOT.glob("lab/images/pesq/*.lock"),
        *checkout.IMAGES.glob("*/wheels.txt"),
    ],
    ids=lambda path: str(path.relative_to(checkout.ROOT)),
)
def test_every_pin_has_a_hash(lock: Path) -> None:
    assert all("--hash=sha256:" in rest for _, rest in pinned(lock))
