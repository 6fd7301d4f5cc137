"""The lab in which a demonstration is given: one that is up, or one of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from demo_person import Script

from lab.demo import labs
from lab.demo.demonstrations.hops import DEMONSTRATION as HOPS
from lab.demo.labs import fitting_lab, lab_of_its_own, lab_that_is_up
from lab.errors import LabError
from lab.events import silent

CLIENT: Any = None


class Host:
    """What has been brought up and taken down."""

    def __init__(self) -> None:
        self.up: dict[str, tuple[str, Mapping[str, Any] | None]] = {}
        self.done: list[str] = []
        self.fails = False

    def bring_up(
        self, _client: Any, topology: str, name: str, _tell: Any, changes: Mapping[str, Any] | None
    ) -> None:
        if self.fails:
            raise LabError("no room")
        self.up[name] = (topology, changes)

    def take_down(self, _client: Any, name: str) -> None:
        self.done.append(name)
        self.up.pop(name, None)

    @contextmanager
    def turn(self, _client: Any, name: str, _tell: Any) -> Iterator[Any]:
        yield SimpleNamespace(name=name)
        assert name not in self.done, "its turn is over before it is taken down"


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host()
    monkeypatch.setattr(labs, "up", made.bring_up)
    monkeypatch.setattr(labs, "down", made.take_down)
    monkeypatch.setattr(labs, "having_turn", made.turn)
    monkeypatch.setattr(labs, "in_lab", lambda *_: silent)
    return made


def test_where_no_lab_is_up_it_is_said_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labs, "find_labs", lambda _: ())
    with pytest.raises(LabError, match="no lab is up") as told:
        fitting_lab(CLIENT, HOPS, None)
    assert "`lab up world`" in told.value.hint
    assert "`lab demo hops --up`" in told.value.hint


def test_it_is_given_while_nobody_else_calls_there(host: Host) -> None:
    person = Script()
    with lab_that_is_up(CLIENT, "classroom", person) as lab:
        assert lab.name == "classroom"  # type: ignore[attr-defined]
        assert person.read == ["(waiting for the lab)"]
    assert host.done == []


def test_a_lab_of_its_own_is_gone_afterwards(host: Host) -> None:
    with lab_of_its_own(CLIENT, "hops", "world", Script(), {"tor.nodelay": "all"}):
        [(name, brought)] = host.up.items()
        assert name.startswith("demo-hops-")
        assert brought == ("world", {"tor.nodelay": "all"})
    assert host.done == [name]
    assert host.up == {}


def test_two_at_once_have_different_names(host: Host) -> None:
    with (
        lab_of_its_own(CLIENT, "hops", "world", Script()),
        lab_of_its_own(CLIENT, "hops", "world", Script()),
    ):
        assert len(host.up) == 2


def test_so_it_is_when_the_demonstration_is_interrupted(host: Host) -> None:
    with pytest.raises(KeyboardInterrupt), lab_of_its_own(CLIENT, "hops", "world", Script()):
        raise KeyboardInterrupt
    assert (len(host.done), host.up) == (1, {})


def test_and_when_it_does_not_come_up(host: Host) -> None:
    host.fails = True
    with pytest.raises(LabError, match="no room"), lab_of_its_own(CLIENT, "x", "world", Script()):
        pass
    assert len(host.done) == 1
