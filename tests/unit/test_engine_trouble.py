"""An engine that goes away, or answers with an error, in one sentence wherever that happens."""

from __future__ import annotations

import sys

import pytest
from docker.errors import APIError, DockerException
from requests.exceptions import ConnectionError as Disconnected
from requests.exceptions import ReadTimeout

from lab.cli import doctor, main
from lab.engine.client import trouble


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            APIError("409 Client Error", explanation="container is restarting"),
            "the Docker engine answered with an error: container is restarting",
        ),
        (
            Disconnected("('Connection aborted.', RemoteDisconnected('Remote end closed'))"),
            "the connection to the Docker engine broke: ('Connection aborted.', "
            "RemoteDisconnected('Remote end closed'))",
        ),
        (ReadTimeout("read timed out"), "the Docker engine said nothing in time"),
        (DockerException("no TLS"), "the Docker engine could not be asked: no TLS"),
    ],
)
def test_what_the_engine_did_is_the_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    said: str,
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(doctor.command, "callback", lost)
    monkeypatch.setattr(sys, "argv", ["lab", "doctor"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.strip() == f"lab: {said}"


def test_the_error_of_somebody_else_is_none_of_the_engine() -> None:
    assert trouble(ValueError("no number")) is None
