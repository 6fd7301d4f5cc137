"""The one listener of all viewers: follows a lab, waits for one, says what is in its way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest
from docker import DockerClient
from docker.errors import DockerException
from lab_command import wait_for

from lab.errors import LabError
from lab.events import CallInterrupted, CaughtUp, LabFound, LabGone
from lab.events.told import Told
from lab.web import hub as hub_module
from lab.web.hub import Hub


class Labs:
    """Stands in for Docker: which labs are up, and what their streams tell."""

    def __init__(self) -> None:
        self.up: list[str] = []
        self.followed: list[str] = []
        self.more = threading.Semaphore(0)
        self.breaks: Exception | None = None

    def find_labs(self, _client: object) -> list[Any]:
        if self.breaks:
            raise self.breaks
        return [self.find_lab(None, name) for name in self.up]

    def find_lab(self, _client: object, name: str) -> Any:
        if name not in self.up:
            raise LabError(f"no lab {name} is up")
        return type("Lab", (), {"name": name, "owner": None})

    def watch(self, _client: object, lab: Any, _interval_s: float) -> Iterator[Told]:
        self.followed.append(lab.name)
        for what in (LabFound("paper"), CaughtUp()):
            yield Told(1.0, lab.name, "docker", 1, what)
        self.more.acquire()
        yield Told(2.0, lab.name, "call", 1, CallInterrupted("c1"))
        yield Told(3.0, lab.name, "docker", 1, LabGone())


@pytest.fixture
def labs(monkeypatch: pytest.MonkeyPatch) -> Labs:
    stand_in = Labs()
    for name in ("find_labs", "find_lab", "watch"):
        monkeypatch.setattr(hub_module, name, getattr(stand_in, name))
    monkeypatch.setattr(hub_module, "AGAIN_S", 0.01)
    return stand_in


def hub_of(name: str | None) -> Hub:
    return Hub(cast(DockerClient, None), name)


def test_it_follows_the_first_lab_that_comes_up(labs: Labs) -> None:
    hub = hub_of(None)
    hub.start()
    wait_for("word that there is none", lambda: hub.trouble)
    assert "no lab is up" in str(hub.trouble)
    version = hub.version
    labs.up = ["paper", "world"]
    wait_for("the lab", lambda: hub.now.caught_up)
    assert hub.now.lab == "paper"
    assert hub.trouble is None
    assert hub.version > version
    hub.stop()
    labs.more.release()


def test_it_follows_the_lab_that_is_named_again_when_it_has_gone(labs: Labs) -> None:
    labs.up = ["other", "mine"]
    hub = hub_of("mine")
    hub.start()
    wait_for("the lab", lambda: hub.now.caught_up)
    labs.up = ["other"]
    labs.more.release()
    wait_for("word that it has gone", lambda: not hub.now.is_up and hub.trouble)
    assert "mine" in str(hub.trouble)
    labs.up = ["other", "mine"]
    wait_for("the lab again", lambda: hub.now.is_up and hub.trouble is None)
    assert labs.followed == ["mine", "mine"]
    hub.stop()
    labs.more.release()


def test_an_engine_that_has_ended_is_said_and_waited_for(labs: Labs) -> None:
    labs.breaks = DockerException("the engine does not answer")
    hub = hub_of(None)
    hub.start()
    wait_for("word of it", lambda: hub.trouble)
    assert "does not answer" in str(hub.trouble)
    labs.up, labs.breaks = ["paper"], None
    wait_for("the lab", lambda: hub.now.caught_up)
    hub.stop()
    labs.more.release()


def test_stopped_it_follows_nothing_more(labs: Labs) -> None:
    labs.up = ["paper"]
    hub = hub_of(None)
    hub.start()
    wait_for("the lab", lambda: hub.now.caught_up)
    hub.stop()
    labs.more.release()
    hub.join(5)
    assert labs.followed == ["paper"]
