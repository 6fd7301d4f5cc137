"""Which images are built beside which, without an engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Barrier, Event, Lock

import pytest
from docker import DockerClient

from lab.errors import LabError
from lab.events import Building, Happening, Listener
from lab.images import build, context

DEADLINE_S = 10.0


class Builder:
    """Stands for the engine: remembers what was begun, and does with it what a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, lacking: tuple[str, ...]) -> None:
        self.begun: list[str] = []
        self.steps: dict[str, Callable[[Listener], None]] = {}
        self._lacking = lacking
        monkeypatch.setattr(build, "missing", self._missing)
        monkeypatch.setattr(build, "build", self._build)
        monkeypatch.setattr(build, "_remove_superseded", lambda client, plan: None)

    def _missing(self, client: DockerClient, roles: Sequence[str] = ()) -> tuple[str, ...]:
        return tuple(role for role in self._lacking if not roles or role in roles)

    def _build(self, client: DockerClient, plan: context.Context, tell: Listener) -> None:
        self.begun.append(plan.role)
        if plan.role in self.steps:
            self.steps[plan.role](tell)


def build_all(tell: Listener = lambda _: None) -> tuple[str, ...]:
    return build.build_missing(DockerClient(base_url="tcp://127.0.0.1:1", version="1.41"), tell)


def test_two_are_built_at_a_time_on_a_base_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(monkeypatch, ("base", "net", "tor"))
    base_is_there, both = Event(), Barrier(2)

    def on_the_base(_: Listener) -> None:
        assert base_is_there.is_set()
        both.wait(DEADLINE_S)

    builder.steps = {
        "base": lambda _: base_is_there.set(),
        "net": on_the_base,
        "tor": on_the_base,
    }
    assert build_all() == ("base", "net", "tor")
    assert builder.begun[0] == "base"


def test_a_failure_ends_the_other_build_and_begins_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(monkeypatch, ("net", "tor", "web"))
    under_way, left = Event(), Event()

    def endless(tell: Listener) -> None:
        under_way.set()
        try:
            while not left.wait(0.01):
                tell(Building("net", 1, 2, "still at it"))
        finally:
            left.set()

    def failing(_: Listener) -> None:
        assert under_way.wait(DEADLINE_S)
        raise LabError("Building the image of 'tor' failed")

    builder.steps = {"net": endless, "tor": failing}
    with pytest.raises(LabError, match="image of 'tor' failed"):
        build_all()
    assert left.is_set()
    assert builder.begun == ["net", "tor"]


def test_reports_come_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder(monkeypatch, ("net", "tor"))
    both, one = Barrier(2), Lock()

    def busy(tell: Listener) -> None:
        both.wait(DEADLINE_S)
        for step in range(20):
            tell(Building("any", step, 20, ""))

    def alone(_: Happening) -> None:
        assert one.acquire(blocking=False), "two reports at once"
        time.sleep(0.001)
        one.release()

    builder.steps = {"net": busy, "tor": busy}
    assert build_all(alone) == ("net", "tor")
