"""Finding Compose v2, and the archive to fetch it from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engine import compose_plugin
from lab.errors import LabError

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib
deb http://security.example/debian-security bookworm-security main
"""
DEB822 = """\
Types: deb
URIs: https://deb.nodesource.example/node_20.x
Suites: nodistro
Components: main

Types: deb deb-src
# a snapshot
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


@pytest.mark.parametrize("sources", [ONE_LINE, DEB822])
def test_the_mirror_is_the_one_apt_uses(sources: str) -> None:
    assert compose_plugin.debian_mirror(sources, "bookworm") == "http://mirror.example/debian"


@pytest.mark.parametrize("sources", [ONE_LINE, DEB822, "", "nonsense: [deb"])
def test_sources_of_another_release_name_no_mirror(sources: str) -> None:
    assert compose_plugin.debian_mirror(sources, "sid") is None


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A host whose PATH is one empty directory and whose `.tools/` has nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(compose_plugin, "OWN_BINARY", tmp_path / ".tools" / "docker-compose")
    compose_plugin.compose_command.cache_clear()
    yield tmp_path
    compose_plugin.compose_command.cache_clear()


def install(path: Path, reported_version: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {reported_version}\n")
    path.chmod(0o755)


def test_dockers_plugin_comes_first(host: Path) -> None:
    install(host / "docker", "2.27.0")
    install(host / ".tools" / "docker-compose", "2.26.1-4")
    assert compose_plugin.compose_command() == ("docker", "compose")


def test_then_the_projects_own_binary(host: Path) -> None:
    own = host / ".tools" / "docker-compose"
    install(own, "2.26.1-4")
    assert compose_plugin.compose_command() == (str(own),)


def test_compose_v1_does_not_count(host: Path) -> None:
    install(host / "docker-compose", "1.29.2")
    with pytest.raises(LabError, match=r"No Compose v2"):
        compose_plugin.compose_command()


def test_a_docker_without_the_plugin_does_not_count(host: Path) -> None:
    install(host / "docker", "'unknown command: compose' >&2; exit 1")
    install(host / "docker-compose", "v2.29.1")
    assert compose_plugin.compose_command() == ("docker-compose",)
