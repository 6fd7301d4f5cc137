"""The lab speaks to the engine that `docker` speaks to."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from docker.errors import DockerException
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ReadTimeout
from urllib3.exceptions import ReadTimeoutError

from lab.engine import client, context
from lab.engine.context import endpoint
from lab.errors import LabError


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """Docker's configuration with two contexts, as `docker context create` leaves them."""
    hosts = {"far": "tcp://far.example:2376", "near": "unix:///run/other.sock"}
    for name, host in hosts.items():
        digest = sha256(name.encode()).hexdigest()
        meta = tmp_path / "contexts" / "meta" / digest
        meta.mkdir(parents=True)
        told = {"Name": name, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}
        (meta / "meta.json").write_text(json.dumps(told), encoding="utf-8")
    keys = tmp_path / "contexts" / "tls" / sha256(b"far").hexdigest() / "docker"
    keys.mkdir(parents=True)
    for name in ("ca", "cert", "key"):
        (keys / f"{name}.pem").write_text("", encoding="utf-8")
    return tmp_path


def chosen(configuration: Path, name: str) -> None:
    """What `docker context use` leaves."""
    (configuration / "config.json").write_text(
        json.dumps({"currentContext": name}), encoding="utf-8"
    )


def test_the_local_engine_is_the_default(tmp_path: Path) -> None:
    found = endpoint({"DOCKER_CONFIG": str(tmp_path)})
    assert (found.context, found.host, found.is_local) == ("default", "", True)
    assert "base_url" not in found.options()


def test_host_beats_context_beats_the_one_in_use(configuration: Path) -> None:
    chosen(configuration, "near")
    environment = {"DOCKER_CONFIG": str(configuration)}
    assert endpoint(environment).host == "unix:///run/other.sock"
    environment["DOCKER_CONTEXT"] = "far"
    assert endpoint(environment).host == "tcp://far.example:2376"
    environment["DOCKER_HOST"] = "tcp://third.example:2375"
    found = endpoint(environment)
    assert (found.context, found.host) == ("default", "tcp://third.example:2375")
    assert not found.is_local


def test_the_default_can_be_chosen_too(configuration: Path) -> None:
    chosen(configuration, "near")
    environment = {"DOCKER_CONFIG": str(configuration), "DOCKER_CONTEXT": "default"}
    assert endpoint(environment).host == ""


def test_a_context_brings_its_keys(configuration: Path) -> None:
    found = endpoint({"DOCKER_CONFIG": str(configuration), "DOCKER_CONTEXT": "far"})
    assert found.tls is not None
    keys = configuration / "contexts" / "tls" / sha256(b"far").hexdigest() / "docker"
    assert found.tls.ca_cert == str(keys / "ca.pem")
    assert found.tls.cert == (str(keys / "cert.pem"), str(keys / "key.pem"))
    assert found.tls.verify is not False
    assert not found.is_local


def test_a_context_that_is_not_there_is_a_sentence(configuration: Path) -> None:
    environment = {"DOCKER_CONFIG": str(configuration), "DOCKER_CONTEXT": "gone"}
    with pytest.raises(LabError, match="no Docker context 'gone', which DOCKER_CONTEXT names"):
        endpoint(environment)
    chosen(configuration, "left")
    with pytest.raises(LabError, match="no Docker context 'left', which `docker context use`"):
        endpoint({"DOCKER_CONFIG": str(configuration)})


def test_a_context_that_cannot_be_read_is_a_sentence(configuration: Path) -> None:
    digest = sha256(b"near").hexdigest()
    (configuration / "contexts" / "meta" / digest / "meta.json").write_text("{", encoding="utf-8")
    with pytest.raises(LabError, match=r"the Docker context 'near'.* cannot be read"):
        endpoint({"DOCKER_CONFIG": str(configuration), "DOCKER_CONTEXT": "near"})


def test_an_engine_that_does_not_answer_is_named_with_its_context(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nobody(**_: Any) -> None:
        raise DockerException("Error: FileNotFoundError(2, 'No such file or directory')")

    elsewhere = context.Endpoint("near", "unix:///run/other.sock")
    monkeypatch.setattr(client, "endpoint", lambda: elsewhere)
    monkeypatch.setattr(client, "DockerClient", nobody)
    with pytest.raises(LabError, match="of the context 'near' does not answer: its socket is"):
        client.connect()


def test_silence_is_told_from_other_failures() -> None:
    silence = ReadTimeoutError(None, "/", "Read timed out.")  # type: ignore[arg-type]
    assert client.went_silent(ReadTimeout())
    assert client.went_silent(RequestsConnectionError(silence))
    assert not client.went_silent(RequestsConnectionError(ConnectionResetError()))
    assert not client.went_silent(DockerException("no space left on device"))
