"""What bringing a lab up again starts: all that is not well, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Network
from types import SimpleNamespace
from typing import cast

import pytest
from docker import DockerClient

from lab.engine.discovery import RunningLab, RunningNode
from lab.lifecycle import startable, up
from lab.lifecycle.again import _with_guests
from lab.lifecycle.lacking import lacking
from lab.lifecycle.plan import Plan
from lab.lifecycle.startable import have_startable, resume_paused
from lab.lifecycle.up import _without_faults
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind, Topology
from lab.topology.resolve import resolve

BLOCK = IPv4Network("10.77.16.0/20")


def topology(name: str) -> Topology:
    return resolve(load_topology(find_topology(name)), name, BLOCK, PbxKind.KAMAILIO)


PAPER, WORLD = topology("paper"), topology("world")
MACHINES = [node.name for node in PAPER.nodes if node.on is None]


def running(of: Topology, *stopped: str, absent: tuple[str, ...] = ()) -> RunningLab:
    nodes = tuple(
        RunningNode(n.name, n.role, n.name, "exited" if n.name in stopped else "running", None)
        for n in of.nodes
        if n.name not in absent
    )
    lines = {n.name: RunningNode("", "", "", "running", None) for n in of.nodes if n.has_delays}
    return RunningLab("trial", of.name, "", BLOCK, nodes, lines)


def helpers(of: Topology, **states: tuple[str, int | None]) -> dict[str, RunningNode]:
    """All have ended well but for those that are named."""
    return {
        n.name: RunningNode("", "net", n.name, *states.get(n.name, ("exited", 0)))
        for n in of.nodes
        if n.on is None
    }


@pytest.mark.parametrize("of", [PAPER, WORLD], ids=lambda of: of.name)
def test_a_lab_that_is_well_lacks_nothing(of: Topology) -> None:
    """Above all no net helper, which would undo what its user has set with `lab link set`."""
    assert lacking(of, running(of), helpers(of)) == frozenset()


def test_a_node_that_has_stopped_is_started_alone() -> None:
    assert lacking(PAPER, running(PAPER, "web"), helpers(PAPER)) == {"web"}


def test_a_machine_that_has_stopped_is_started_with_its_network_and_its_guests() -> None:
    wanted = {"server", "server_net", "pbx", "web", "mumble"}
    assert lacking(PAPER, running(PAPER, "server"), helpers(PAPER)) >= wanted
    assert lacking(PAPER, running(PAPER, "caller"), helpers(PAPER)) == {"caller", "caller_net"}


@pytest.mark.parametrize(
    "state", [("exited", 1), ("exited", 137), ("created", 0), ("running", None)]
)
def test_a_machine_without_its_network_is_set_up_again(state: tuple[str, int | None]) -> None:
    found = lacking(PAPER, running(PAPER), helpers(PAPER, relay1=state))
    assert found == {"relay1", "relay1_net"}


def test_what_a_killed_up_never_started_is_started() -> None:
    some = tuple(node.name for node in PAPER.nodes if node.role != "relay")
    few = {name: helper for name, helper in helpers(PAPER).items() if name == "authority"}
    found = lacking(PAPER, running(PAPER, absent=some), few)
    assert {name for name in found if not name.endswith("_net")} >= set(some)
    assert {name for name in found if name.endswith("_net")} == {
        f"{name}_net" for name in MACHINES if name != "authority"
    }


def test_a_delay_line_that_has_ended_is_started_with_the_links_that_go_through_it() -> None:
    lab = running(WORLD)
    lines = {**lab.delay_lines, "caller": RunningNode("", "", "", "exited", 1)}
    found = lacking(WORLD, replace(lab, delay_lines=lines), helpers(WORLD))
    assert found == {"caller", "caller_net", "caller_delay"}


def test_where_a_line_of_a_users_own_has_ended_the_links_are_set_up_again() -> None:
    lines = {"relay1": RunningNode("", "", "", "exited", 137)}
    found = lacking(PAPER, replace(running(PAPER), delay_lines=lines), helpers(PAPER))
    assert found == {"relay1", "relay1_net"}
    lines = {"relay1": RunningNode("", "", "", "running", None)}
    assert not lacking(PAPER, replace(running(PAPER), delay_lines=lines), helpers(PAPER))


def test_a_node_that_is_started_alone_brings_what_runs_on_its_machine() -> None:
    server = _with_guests(PAPER, "server")
    assert {"server", "server_net", "pbx", "web", "mumble"} <= server
    assert "caller" not in server
    assert _with_guests(PAPER, "pbx") == {"pbx"}
    assert _with_guests(WORLD, "caller") == {"caller", "caller_net", "caller_delay"}


def test_nothing_keeps_the_network_of_a_machine_that_has_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither its guests nor its delay line: the machine has another network when it starts."""
    lines = {name: RunningNode("", "", f"{name}'s", "running", None) for name in ("server", "web")}
    lab = replace(running(PAPER, "server"), delay_lines=lines)
    stopped: list[str] = []

    def stop(_: DockerClient, some: Iterable[RunningNode]) -> None:
        stopped.extend(one.container_id for one in some)

    monkeypatch.setattr(startable, "stop_containers", stop)
    monkeypatch.setattr(startable, "find_lab", lambda *_: lab)
    have_startable(cast(DockerClient, None), lab, PAPER, {})
    assert {"pbx", "web", "mumble", "server's"} <= set(stopped)
    assert not {"server", "caller", "web's"} & set(stopped)


def test_what_is_paused_goes_on_all_of_it_or_one(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = running(PAPER)
    nodes = [
        replace(node, state="paused") if node.name in {"relay1", "web"} else node
        for node in lab.nodes
    ]
    lab = replace(lab, nodes=tuple(nodes))
    resumed: list[set[str]] = []

    def resume(_: DockerClient, some: Iterable[RunningNode]) -> None:
        resumed.append({one.name for one in some})

    monkeypatch.setattr(startable, "resume_containers", resume)
    monkeypatch.setattr(startable, "find_lab", lambda *_: lab)
    for only in (None, "web", "caller"):
        resume_paused(cast(DockerClient, None), lab, only)
    assert resumed == [{"relay1", "web"}, {"web"}, set()]


def test_what_was_left_broken_ends_between_what_is_paused_and_what_has_died(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A paused machine could not be asked yet, and a line that begins anew not any more."""
    lab, done = running(PAPER), list[str]()

    def step(name: str, *, gives: object = None) -> None:
        def take(*_: object) -> object:
            done.append(name)
            return gives

        monkeypatch.setattr(up, name, take)

    step("resume_paused", gives=lab)
    step("open_lab_as_it_is")
    step("end_overdue")
    step("have_startable", gives=lab)
    plan = cast(Plan, SimpleNamespace(topology=PAPER, images={}))
    assert _without_faults(cast(DockerClient, None), lab, plan, lambda _: None) is lab
    assert done == ["resume_paused", "open_lab_as_it_is", "end_overdue", "have_startable"]
