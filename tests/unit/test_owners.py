"""Two users of one host: each sees, calls in and takes down their own labs alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from docker import DockerClient

from lab.cli.exec import command as exec_command
from lab.engine.discovery import RunningLab, find_lab, find_labs
from lab.engine.owners import owners
from lab.errors import LabError
from lab.lifecycle import down as taking_down
from lab.lifecycle.down import down, down_all
from lab.lifecycle.pbx_choice import PbxChoice
from lab.lifecycle.ready import open_lab
from lab.lifecycle.up import up
from lab.render import labels
from lab.render.owner import Owner
from lab.topology.model import PbxKind

ME, OTHER = 1234, 1235


def container(lab: str, uid: int | None, node: str = "caller") -> dict[str, Any]:
    own = {labels.LAB: lab, labels.NODE: node, labels.ROLE: "endpoint"}
    own |= {} if uid is None else {labels.OWNER: str(uid)}
    state = {"State": "running", "Status": "Up", "Image": "", "ImageID": ""}
    return {"Id": f"{lab}-{node}", "Labels": own, **state}


def engine(*containers: dict[str, Any]) -> DockerClient:
    """As much of one as finds labs."""
    api = SimpleNamespace(containers=lambda **_: list(containers))
    networks = SimpleNamespace(list=lambda **_: [])
    return cast(DockerClient, SimpleNamespace(api=api, networks=networks))


@pytest.fixture(autouse=True)
def me(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr("lab.engine.owners.invoking_owner", lambda: Owner(ME, ME))
    monkeypatch.setenv("LAB_HOME", str(tmp_path))


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names and labels of what was removed."""
    found: list[str] = []

    def remove(_client: DockerClient, what: str) -> int:
        found.append(what)
        return 1

    monkeypatch.setattr(taking_down, "remove_lab", remove)
    monkeypatch.setattr(taking_down, "remove_containers_and_networks", remove)
    return found


BOTH = (container("mine", ME), container("theirs", OTHER))


def test_the_only_lab_is_ones_own() -> None:
    assert find_lab(engine(*BOTH), None).name == "mine"
    with pytest.raises(LabError, match="no lab is up"):
        find_lab(engine(container("theirs", OTHER)), None)


def test_what_is_left_of_ones_own_goes_and_no_more(removed: list[str]) -> None:
    down(engine(*BOTH), None)
    down_all(engine(*BOTH, container("older", None)))
    assert removed == ["mine", "mine", "older"]


def test_another_users_lab_cannot_be_taken_down(removed: list[str]) -> None:
    with pytest.raises(LabError, match=f"lab theirs on this host belongs to user {OTHER}"):
        down(engine(*BOTH), "theirs")
    assert removed == []


def test_in_another_users_lab_nobody_calls() -> None:
    with pytest.raises(LabError, match="belongs to") as caught:
        open_lab(engine(*BOTH), "theirs")
    assert "lab down" not in caught.value.hint


def test_in_another_users_lab_nobody_runs_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.engine.client.connect", lambda: engine(*BOTH))
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("it was run"))
    words = ["--name", "theirs", "caller", "--", "id"]
    with pytest.raises(LabError, match="lab theirs on this host belongs to"):
        exec_command.main(words, standalone_mode=False)


def test_a_name_that_another_user_has_is_said_to_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    kamailio = PbxChoice(PbxKind.KAMAILIO, "test")
    monkeypatch.setattr("lab.lifecycle.up.compose_command", list)
    monkeypatch.setattr("lab.lifecycle.up.choose_pbx", lambda *_: kamailio)
    with pytest.raises(LabError, match="lab small on this host belongs to") as caught:
        up(engine(container("small", OTHER)), "small", None)
    assert "--name" in caught.value.hint


def test_helpers_that_a_command_left_belong_to_the_lab_of_their_nodes() -> None:
    helper = container("theirs", None, "helper")
    del helper["Labels"][labels.NODE]
    client = engine(container("theirs", OTHER), helper)
    assert owners(client) == {"theirs": OTHER}
    assert [lab.owner for lab in find_labs(client)] == [OTHER]
    assert RunningLab("old", "", "", None, ()).owner is None


def test_a_lab_that_cannot_go_keeps_no_other_from_going(monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[str] = []

    def remove(_client: DockerClient, name: str) -> int:
        if name == "mine":
            raise LabError("what lab mine has on host other is left")
        gone.append(name)
        return 1

    monkeypatch.setattr(taking_down, "remove_containers_and_networks", remove)
    with pytest.raises(LabError, match="what lab mine has on host other is left"):
        down_all(engine(container("mine", ME), container("older", None)))
    assert gone == ["older"]
