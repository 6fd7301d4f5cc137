"""Why a lab does not start: the node that has ended is told before what fails because of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.engine import waiting
from lab.engine.discovery import RunningNode
from lab.engine.waiting import blaming_ended_nodes
from lab.errors import LabError


def lab_with(monkeypatch: pytest.MonkeyPatch, *stopped: RunningNode) -> Any:
    """A Docker client whose only lab has these nodes that do not run."""
    lab = SimpleNamespace(name="trial", stopped=stopped)
    monkeypatch.setattr(waiting, "find_labs", lambda _client: (lab,))
    logs = SimpleNamespace(logs=lambda _container, tail: b"out of memory")
    return SimpleNamespace(api=logs)


def test_a_node_that_has_ended_is_blamed_for_what_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = RunningNode("relay2", "relay", "c0ffee", "exited", 137)
    client = lab_with(monkeypatch, ended)
    with (
        pytest.raises(
            LabError, match=r"relay2 of lab trial ended while .* exit status 137"
        ) as error,
        blaming_ended_nodes(client, "trial"),
    ):
        raise LabError("no interface of this node has the address 10.0.0.1")
    assert "out of memory" in str(error.value.hint)


def test_without_one_the_failure_is_told_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    client = lab_with(monkeypatch, RunningNode("relay2", "relay", "c0ffee", "created", 0))
    with pytest.raises(LabError, match="no such relay"), blaming_ended_nodes(client, "trial"):
        raise LabError("no such relay")
