"""The page of the lab, built for a viewer who has no browser."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from ipaddress import IPv4Network
from types import SimpleNamespace
from typing import Any, cast

import pytest
from docker import DockerClient
from nicegui import ui
from nicegui.testing import User
from page_user import page_user

from lab.events import FaultBegan
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind
from lab.topology.resolve import resolve
from lab.web.commands import Done
from lab.web.hub import Hub
from lab.web.now import LabNow, LinkNow, NodeNow
from lab.web.pages import doing, panel
from lab.web.pages.topology import View, reader_of
from lab.web.topology.plan import plan_of

TOPOLOGY = resolve(
    load_topology(find_topology("paper")), "demo", IPv4Network("10.99.0.0/20"), PbxKind.KAMAILIO
)


def hub_with(now: LabNow) -> Hub:
    """One that follows nothing; its lab's plan is there already, and nothing else is read."""
    hub = Hub(cast(DockerClient, None), "demo")
    hub.now = now
    reader = reader_of(hub)
    if now.is_up:
        reader.plan = plan_of(TOPOLOGY)
    reader._thread = cast(Any, object())
    return hub


@pytest.fixture(name="now")
def paper_lab() -> LabNow:
    now = LabNow("demo", "paper", is_up=True, caught_up=True)
    for node in TOPOLOGY.nodes:
        now.nodes[node.name] = NodeNow(node.role, "running")
        for link in node.links:
            now.links[node.name, link.network] = LinkNow(str(link.address), link.rate_kbps)
    return now


@pytest.fixture(name="typed", autouse=True)
def commands_are_written_down(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What would have been run; only what sets a rate that is no rate fails."""
    typed: list[tuple[str, ...]] = []

    async def run(words: tuple[str, ...]) -> Done:
        typed.append(words)
        if "fast" in words:
            return Done(2, "", "lab: --rate: fast is no rate\n")
        return Done(0, "caller: dead.\n" if words[0] == "fault" else "[]\n", "")

    def command(*words: str) -> SimpleNamespace:
        return SimpleNamespace(run=lambda: run(words))

    async def run_lab(*words: str) -> Done:
        await run(words)
        return Done(0, "<its first line>\n", "")

    monkeypatch.setattr(doing, "Command", command)
    monkeypatch.setattr(panel, "run_lab", run_lab)
    return typed


def visited(hub: Hub, looks: Callable[[User, View], Awaitable[None]]) -> None:
    """Have somebody look at the page, with a drawing of 1300 px."""
    views: list[View] = []

    async def visit() -> None:
        async with page_user(lambda: views.append(View(hub))) as user:
            await user.open("/")
            with views[0]._split:
                await views[0]._fit(cast(Any, SimpleNamespace(args=1300)))
            await looks(user, views[0])

    asyncio.run(visit())


def choose(view: View, what: str) -> None:
    with view._split:
        view._select(cast(Any, SimpleNamespace(args=what)))


def drawn(user: User) -> str:
    return "\n".join(each.content for each in user.find(ui.html).elements)


async def until(found: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not found():
            await asyncio.sleep(0.02)


def test_a_lab_that_is_not_up_is_said_to_be_so_and_what_to_do() -> None:
    async def looks(user: User, view: View) -> None:
        await user.should_see("Lab demo is not up. <code>lab up --name demo</code> brings one up")
        for place in (view._split, view._drawn, view._log):
            assert not place.visible

    visited(hub_with(LabNow("demo")), looks)


def test_nodes_and_links_are_drawn_and_in_tables(now: LabNow) -> None:
    now.faults["down", "caller", "home"] = FaultBegan("down", "caller", "home", None, None)

    async def looks(user: User, view: View) -> None:
        page = drawn(user)
        assert view._split.visible
        assert '<svg id="drawing"' in page
        for node in TOPOLOGY.nodes:
            assert page.count(f'data-what="node:{node.name}"') == 2
        assert page.count('data-what="link:caller:home"') == 3
        await user.should_see("Mend everything")

    visited(hub_with(now), looks)


def test_a_link_is_changed_by_a_command_and_what_that_says_is_shown(
    now: LabNow, typed: list[tuple[str, ...]]
) -> None:
    def was_typed(value: str) -> bool:
        return any(value in words for words in typed)

    async def looks(user: User, view: View) -> None:
        choose(view, "link:caller:home")
        [rate] = [each for each in user.find(ui.input).elements if each.props["label"] == "rate"]
        for value in ("2mbit", "fast"):
            rate.set_value(value)
            user.find(kind=ui.element).trigger("submit.prevent")
            await until(partial(was_typed, value))
        await user.should_see("--rate: fast is no rate")
        wanted = "link set caller home --direction out --rate 2mbit --json --name demo"
        assert typed[0] == tuple(wanted.split())

    visited(hub_with(now), looks)


def test_a_node_is_killed_by_a_command_and_its_log_is_text(
    now: LabNow, typed: list[tuple[str, ...]]
) -> None:
    async def looks(user: User, view: View) -> None:
        choose(view, "node:caller")
        await until(lambda: "&lt;its first line&gt;" in drawn(user))
        user.find("kill").click()
        await user.should_see("caller: dead.")
        assert typed == [
            ("logs", "--name", "demo", "-n", "60", "caller"),
            ("fault", "kill", "caller", "--name", "demo"),
        ]
        view._panel.close()
        await user.should_not_see("Its last lines")

    visited(hub_with(now), looks)


def test_a_node_that_has_ended_is_broken_until_it_runs_again(now: LabNow) -> None:
    hub = hub_with(now)
    now.nodes["pbx"].state, now.nodes["pbx"].exit_code = "exited", 1

    async def looks(user: User, _view: View) -> None:
        await user.should_see("Mend everything")
        assert "pbx is exited, exit status 1" in drawn(user)
        now.nodes["pbx"].state = "running"
        hub.version += 1
        await until(lambda: "pbx is exited" not in drawn(user))
        await user.should_not_see("Mend everything")

    visited(hub, looks)


def test_what_was_found_wrong_is_told_though_no_fault_can_be_ended(now: LabNow) -> None:
    now.problems.append("what a call had left is removed")

    async def looks(user: User, _view: View) -> None:
        assert "what a call had left is removed" in drawn(user)
        await user.should_not_see("Mend everything")

    visited(hub_with(now), looks)


@pytest.mark.parametrize("what", ["node:nobody", "link:caller:office", "", "x'\"]"])
def test_what_there_is_not_is_not_opened(now: LabNow, what: str) -> None:
    async def looks(_user: User, view: View) -> None:
        choose(view, what)
        assert view._panel.what is None

    visited(hub_with(now), looks)


def test_a_lab_that_goes_takes_its_drawing_along(now: LabNow) -> None:
    hub = hub_with(now)

    async def looks(user: User, view: View) -> None:
        choose(view, "node:caller")
        now.is_up = False
        reader_of(hub).plan = None
        hub.version += 1
        await until(lambda: "<svg id=" not in drawn(user))
        await user.should_see("Lab demo is not up.")
        assert view._panel.what is None

    visited(hub, looks)
