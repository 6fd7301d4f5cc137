"""What `lab setup` and `lab doctor` say on hosts that lack something."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from docker import DockerClient

from lab.cli import app
from lab.engine import compose_plugin
from lab.errors import LabError
from lab.events import Happening, Noted
from lab.images import base_image, pesq_wheel

CLIENT = DockerClient("unix:///nonexistent", version="1.41")


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")


@pytest.fixture
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise LabError("no such host")

    monkeypatch.setattr(base_image, "_pull", fail)


@pytest.mark.usefixtures("no_docker")
def test_setup_without_docker_is_one_sentence() -> None:
    with pytest.raises(LabError, match="Docker engine does not answer") as raised:
        CliRunner().invoke(app, ["setup"], catch_exceptions=False)
    assert "docker" in raised.value.hint


@pytest.mark.usefixtures("no_docker")
def test_doctor_without_docker_tells_what_it_can() -> None:
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["usable"] is False
    states = {finding["name"]: finding["state"] for finding in report["findings"]}
    assert states["docker"] == "missing"
    assert states["qdiscs"] == "unknown"
    assert states["cores"] == "ok"


@pytest.mark.usefixtures("no_registry")
def test_without_registry_and_root_the_user_hears_what_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    said: list[Happening] = []
    with pytest.raises(LabError, match="cannot be made here") as raised:
        base_image.obtain(CLIENT, said.append)
    assert Noted("no registry gave debian:bookworm-slim (no such host)") in said
    assert "sudo .venv/bin/lab setup base" in raised.value.hint
    assert "docker load" in raised.value.hint


@pytest.mark.usefixtures("no_registry")
def test_without_registry_and_apt_even_root_cannot_make_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="cannot be made here"):
        base_image.obtain(CLIENT, lambda _: None)


def test_pesq_for_another_python_needs_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pesq_wheel, "has_compiler", lambda: False)
    monkeypatch.setattr(sys, "version_info", SimpleNamespace(major=3, minor=13))
    with pytest.raises(LabError, match=r"no C compiler for Python 3\.13") as raised:
        pesq_wheel.install(CLIENT, lambda _: None)
    assert "apt-get install gcc python3-dev" in raised.value.hint


@pytest.mark.usefixtures("no_docker")
def test_what_scores_is_installed_without_docker_or_a_compiler_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pesq_wheel, "installed", lambda: False)
    monkeypatch.setattr(pesq_wheel, "has_compiler", lambda: False)
    with pytest.raises(LabError, match="this host has no C compiler") as raised:
        CliRunner().invoke(app, ["setup", "--here"], catch_exceptions=False)
    assert "apt-get install gcc python3-dev" in raised.value.hint
    monkeypatch.setattr(pesq_wheel, "installed", lambda: True)
    assert CliRunner().invoke(app, ["setup", "--here"]).exit_code == 0


def test_compose_on_another_distribution_is_the_users_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(LabError, match="it can be fetched on Debian only") as raised:
        compose_plugin.obtain(lambda _: None)
    assert "docker-compose-v2" in raised.value.hint
