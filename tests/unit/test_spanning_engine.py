"""The engines of a lab that spans hosts: who is asked, and what is said where one is not there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from docker import DockerClient
from test_spanning_topology import BLOCK

from lab.engine import hosts, project
from lab.engine.discovery import find_lab, find_labs
from lab.engine.hosts import client_of, docker_command, engines_of, environment_for
from lab.engine.project import remove_containers_and_networks
from lab.errors import LabError
from lab.lifecycle import hosts as spanning
from lab.lifecycle.plan import plan_lab
from lab.lifecycle.ready import open_lab
from lab.render import labels
from lab.topology.load import find_topology, load_topology, read_topology
from lab.topology.model import PbxKind, Topology
from lab.topology.resolve import resolve

OTHER = "ssh://you@192.0.2.2"


def topology() -> Topology:
    return resolve(load_topology(find_topology("two-hosts")), "mine", BLOCK, PbxKind.KAMAILIO)


class Engine:
    """As much of one as finds a lab and removes it."""

    def __init__(self, root: str, *nodes: str, told: dict[str, str] | None = None) -> None:
        self.left = [*nodes]
        self._told, self._root = told or {}, root
        self.api = SimpleNamespace(containers=self._list, remove_container=self._remove)
        self.networks = SimpleNamespace(list=lambda **_: [])
        self.volumes = SimpleNamespace(list=lambda **_: [])

    def info(self) -> dict[str, str]:
        return {"ID": "of one file", "DockerRootDir": self._root}

    def _list(self, **_: object) -> list[dict[str, Any]]:
        state = {"State": "running", "Status": "Up", "Image": "", "ImageID": ""}
        own = {labels.LAB: "mine", labels.ROLE: "endpoint", **self._told}
        return [
            {"Id": name, "Labels": {**own, labels.NODE: name}, **state} for name in [*self.left]
        ]

    def _remove(self, container: str, **_: object) -> None:
        self.left.remove(container)


def here(*nodes: str) -> Engine:
    return Engine("/1", *nodes, told={labels.HOSTS: f'{{"other": "{OTHER}"}}'})


def client(engine: Engine) -> DockerClient:
    return cast(DockerClient, engine)


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine of the other host, which answers."""
    engine = Engine("/2", "callee")
    monkeypatch.setattr(hosts, "_connected", lambda _address, _process: engine)
    return engine


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other host does not answer."""

    def refuse(address: str, _process: int) -> None:
        raise LabError(f"the Docker engine at {address} does not answer: its socket is not there")

    monkeypatch.setattr(hosts, "_connected", refuse)


def test_nodes_of_every_host_are_found_each_with_its_engine(other: Engine) -> None:
    lab = find_lab(client(here("caller")), "mine")
    assert {node.name: node.engine for node in lab.nodes} == {"caller": "", "callee": OTHER}
    own = client(here())
    assert client_of(own, lab.node("callee").engine) is other
    assert client_of(own, lab.node("caller").engine) is own


def test_a_host_that_is_away_is_named_and_no_call_is_made(nobody: None) -> None:
    lab = find_lab(client(here("caller")), "mine")
    assert [node.name for node in lab.nodes] == ["caller"]
    with pytest.raises(LabError, match="no node callee on the hosts that answer; host other: the "):
        lab.node("callee")
    with pytest.raises(LabError, match="lab mine is not complete: host other is away: the Docker"):
        open_lab(client(here("caller")), "mine")


def test_hosts_of_another_lab_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def connected(address: str, _process: int) -> Engine:
        asked.append(address)
        return Engine("/2")

    monkeypatch.setattr(hosts, "_connected", connected)
    assert find_labs(client(here("caller")), "yours") == ()
    assert not asked
    assert [lab.name for lab in find_labs(client(here("caller")))] == ["mine"]
    assert asked == [OTHER]


def test_a_lab_goes_from_every_host(other: Engine) -> None:
    own = here("caller", "server")
    assert remove_containers_and_networks(client(own), "mine") == 3
    assert (own.left, other.left) == ([], [])


def test_what_a_host_that_is_away_has_is_told_when_all_else_is_gone(nobody: None) -> None:
    own = here("caller")
    with pytest.raises(LabError, match="what lab mine has on host other is left") as caught:
        remove_containers_and_networks(client(own), "mine")
    assert own.left == []
    assert f"DOCKER_HOST={OTHER} lab down mine" in caught.value.hint


def test_every_host_that_is_away_is_told_of(nobody: None) -> None:
    """Nobody could tell later: what this host has goes, and with it who the others were."""
    engines = f'{{"other": "{OTHER}", "third": "ssh://you@c"}}'
    own = Engine("/1", "caller", told={labels.HOSTS: engines})
    with pytest.raises(LabError, match=r"on host other is left: the .*; .* on host third is left"):
        remove_containers_and_networks(client(own), "mine")
    assert own.left == []


def test_a_host_that_does_not_answer_is_named(nobody: None) -> None:
    with pytest.raises(LabError, match=f"host other: the Docker engine at {OTHER} does not answer"):
        engines_of(client(here()), topology())


def test_two_hosts_with_one_engine_are_refused(other: Engine) -> None:
    assert [each.host for each in engines_of(client(here()), topology())] == ["here", "other"]
    same = Engine("/2")
    with pytest.raises(LabError, match="hosts here and other have the same Docker engine"):
        engines_of(client(same), topology())


def test_commands_go_to_the_engine_of_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "mine")
    monkeypatch.setenv("DOCKER_HOST", "unix:///here.sock")
    assert docker_command("") == ["docker"]
    assert docker_command(OTHER) == ["docker", "--host", OTHER]
    assert environment_for("")["DOCKER_HOST"] == "unix:///here.sock"
    away = environment_for(OTHER)
    assert (away["DOCKER_HOST"], "DOCKER_CONTEXT" in away) == (OTHER, False)


def test_a_lab_goes_also_where_what_joined_it_cannot_be_taken_away(
    monkeypatch: pytest.MonkeyPatch, other: Engine
) -> None:
    def refuse(*_: object) -> None:
        raise LabError("there is no image of the helper")

    monkeypatch.setattr(project, "part_networks", refuse)
    own = here("caller")
    with pytest.raises(LabError, match=r"may be left: .* no image of the helper"):
        remove_containers_and_networks(client(own), "mine")
    assert (own.left, other.left) == ([], [])


def test_images_that_a_host_lacks_are_named_with_the_command_that_brings_them(
    monkeypatch: pytest.MonkeyPatch, other: Engine
) -> None:
    plan = plan_lab(read_topology(find_topology("two-hosts")), "mine", BLOCK)
    wanted: list[str] = []

    def all_but_one(_: DockerClient, images: list[str]) -> list[str]:
        wanted.extend(images)
        return ["endpoint"]

    monkeypatch.setattr(spanning, "missing", all_but_one)
    with pytest.raises(LabError, match="host other lacks these images: ") as caught:
        spanning.check_hosts(client(here()), plan)
    tag = plan.images["endpoint"]
    assert tag in caught.value.message
    assert f"docker save {tag} | docker --host {OTHER} load" in caught.value.hint
    assert wanted == ["delay-line", "endpoint", "net", "tor"]
