"""Links that a call changes for its own time: put back by it, or by whoever comes after a kill."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.calls.workspace import clear_workspaces
from lab.engine.agent import AgentError
from lab.engine.names import Holder
from lab.errors import LabError
from lab.events import Happening, Noted
from lab.interruption import Interrupted, heeding_signals
from lab.lifecycle.ready import ReadyLab
from lab.shaping import borrowed, live
from lab.shaping.borrowed import BorrowedLink, borrow, borrowed_in, give_back, left_changed
from lab.shaping.cap import Cap, LinkPoint
from lab.shaping.helpers import LinkHelpers
from lab.wire.shape import Direction, Queue, Shape

POINT, OTHER = LinkPoint("server", "hosting"), LinkPoint("gateway", "home", Direction.IN)
OWN, USERS = Shape(100_000), Shape(20_000, Queue(limit=50))
CAP = Shape(10_000)
LENT = BorrowedLink(POINT, OWN, CAP)


class Kernel:
    """Stands in for the links of a lab called `trial` and the helpers beside its machines."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.in_force = {POINT: OWN, OTHER: Shape()}
        self.kills: signal.Signals | None = None
        """What comes while a shape is set."""
        self.was_set: list[Mapping[LinkPoint, Shape]] = []
        self.ended = False
        """Whether the machines have."""
        running = SimpleNamespace(name="trial")
        self.lab = cast(ReadyLab, SimpleNamespace(running=running))
        self.helpers = cast(
            LinkHelpers, SimpleNamespace(lab=self.lab, in_force=self.read, tell=None)
        )
        monkeypatch.setattr(live, "set_shapes", self.set_shapes)
        monkeypatch.setattr(live, "link_helpers", self.link_helpers)

    def read(self, points: Iterable[LinkPoint]) -> dict[LinkPoint, Shape]:
        return {point: self.in_force[point] for point in points}

    def set_shapes(
        self, _: LinkHelpers, shapes: Mapping[LinkPoint, Shape]
    ) -> dict[LinkPoint, Shape]:
        if self.ended:
            raise AgentError("net.links beside server has ended")
        if self.kills:
            os.kill(os.getpid(), self.kills)
        before = self.read(shapes)
        self.was_set.append(shapes)
        self.in_force |= shapes
        return before

    @contextmanager
    def link_helpers(self, *_: Any, **__: Any) -> Iterator[LinkHelpers]:
        yield self.helpers

    def put_back(self) -> list[str]:
        """What the next command says of it."""
        told: list[Happening] = []
        live.put_back_borrowed(self.lab, told.append)
        return [one.text for one in told if isinstance(one, Noted)]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    project = tmp_path / "labs" / "trial"
    project.mkdir(parents=True)
    return project


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    return Kernel(monkeypatch)


def test_a_cap_is_noted_before_it_is_set_and_the_note_goes_with_it(
    kernel: Kernel, project: Path
) -> None:
    with live.apply(kernel.helpers, [Cap(POINT, 10_000)]):
        assert kernel.in_force[POINT] == CAP
        noted = borrowed_in("trial")
        assert noted
        assert (noted.by, noted.links) == (str(Holder(os.getpid())), (LENT,))
    assert kernel.in_force[POINT] == OWN
    assert list(project.iterdir()) == []


def test_a_cap_is_taken_off_again_though_the_signal_came_while_it_was_set(
    kernel: Kernel, project: Path
) -> None:
    kernel.kills = signal.SIGTERM
    with (
        pytest.raises(Interrupted),
        heeding_signals(),
        live.apply(kernel.helpers, [Cap(POINT, 10_000)]),
    ):
        raise AssertionError("nothing is done under a cap that nobody wants any more")
    assert kernel.in_force[POINT] == OWN
    assert list(project.iterdir()) == []


def test_nothing_is_changed_where_it_cannot_be_noted(kernel: Kernel, project: Path) -> None:
    project.rmdir()
    with (
        pytest.raises(LabError, match=r"cannot write .*borrowed-links\.json: No such file"),
        live.apply(kernel.helpers, [Cap(POINT, 10_000)]),
    ):
        raise AssertionError("no call is made")
    assert kernel.in_force[POINT] == OWN


def test_the_note_stays_where_the_links_could_not_be_put_back(kernel: Kernel) -> None:
    with live.apply(kernel.helpers, [Cap(POINT, 10_000)]):
        kernel.ended = True
    assert borrowed_in("trial")


def test_the_next_command_puts_back_what_a_killed_one_left_and_says_so(
    kernel: Kernel, project: Path
) -> None:
    """Here nobody has died: who has the turn takes every note for one of somebody who has."""
    kernel.in_force[POINT] = USERS
    borrow("trial", [BorrowedLink(POINT, USERS, CAP)])
    kernel.in_force[POINT] = CAP
    assert kernel.put_back() == [
        f"links that {Holder(os.getpid())} had left changed are put back: "
        "server/hosting/out: 20mbit, htb pfifo 50 packets"
    ]
    assert kernel.in_force[POINT] == USERS
    assert list(project.iterdir()) == []
    assert kernel.put_back() == []


@pytest.mark.parametrize(
    "now", [OWN, USERS, Shape(5_000)], ids=["not changed yet", "set by the user", "started anew"]
)
def test_what_is_not_as_the_killed_command_left_it_stays(kernel: Kernel, now: Shape) -> None:
    borrow("trial", [LENT])
    kernel.in_force[POINT] = now
    assert kernel.put_back() == []
    assert kernel.in_force[POINT] == now
    assert borrowed_in("trial") is None


def test_what_only_a_profile_has_changed_is_set_again_in_silence(kernel: Kernel) -> None:
    borrow("trial", [BorrowedLink(POINT, OWN, OWN)])
    assert kernel.put_back() == []
    assert kernel.was_set == [{POINT: OWN}]


def test_what_was_changed_twice_is_put_back_to_what_it_was_first(kernel: Kernel) -> None:
    borrow("trial", [LENT])
    borrow("trial", [BorrowedLink(OTHER, Shape(), CAP), BorrowedLink(POINT, CAP, USERS)])
    kernel.in_force |= {POINT: USERS, OTHER: CAP}
    assert len(kernel.put_back()) == 1
    assert kernel.in_force == {POINT: OWN, OTHER: Shape()}


def test_what_is_given_back_alone_leaves_the_rest_noted() -> None:
    other = BorrowedLink(OTHER, Shape(), CAP)
    borrow("trial", [LENT])
    borrow("trial", [other])
    give_back("trial", [other])
    noted = borrowed_in("trial")
    assert noted
    assert noted.links == (LENT,)
    give_back("trial", [LENT])
    assert borrowed_in("trial") is None


@pytest.mark.parametrize("text", ["", "{", '{"by": "lab call", "links": [{}]}', "\0\0\0"])
def test_a_note_that_cannot_be_read_is_told_and_stops_nobody(
    kernel: Kernel, project: Path, text: str
) -> None:
    borrow("trial", [LENT])
    [file] = project.iterdir()
    file.write_text(text)
    [said] = kernel.put_back()
    assert "of the links of lab trial cannot be read" in said
    assert "`lab link reset` brings links to what the topology says" in said
    assert kernel.put_back() == []


def test_a_note_half_written_is_none(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    borrow("trial", [LENT])

    def killed(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        borrow("trial", [BorrowedLink(OTHER, Shape(), CAP)])
    noted = borrowed_in("trial")
    assert noted
    assert noted.links == (LENT,)


def test_status_tells_of_links_left_changed_only_when_nobody_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert left_changed("trial") is None
    borrow("trial", [LENT])
    assert left_changed("trial") == (
        f"{Holder(os.getpid())} has left links changed, which the next command puts back: "
        "server/hosting/out: 10mbit, htb pfifo 200 packets"
    )
    monkeypatch.setattr(borrowed, "has_turn", lambda _: Holder(os.getpid()))
    assert left_changed("trial") is None


def test_directories_of_calls_that_were_killed_are_cleared_and_told(project: Path) -> None:
    for call in ("20261122T060102-3fa9c1", "20261122T060230-10aa00"):
        (project / "calls" / call).mkdir(parents=True)
        (project / "calls" / call / "caller.wav").write_bytes(b"RIFF")
    told: list[Happening] = []
    lab = cast(ReadyLab, SimpleNamespace(directory=project))
    clear_workspaces(lab, told.append)
    clear_workspaces(lab, told.append)
    assert told == [
        Noted("call 20261122T060102-3fa9c1 did not come to its end; what it left is removed"),
        Noted("call 20261122T060230-10aa00 did not come to its end; what it left is removed"),
    ]
    assert list((project / "calls").iterdir()) == []
