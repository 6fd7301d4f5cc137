"""Images are built once, from nothing but the checkout, and a failure leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient
from docker.models.containers import Container

from lab.engine import kernel
from lab.errors import LabError
from lab.events import Building, Happening
from lab.images import build, context

pytestmark = pytest.mark.live


@pytest.fixture
def recipe(tmp_path: Path, docker_client: DockerClient) -> Iterator[Path]:
    """An image directory of the test's own; what is built from it is removed."""
    directory = tmp_path / "trial"
    directory.mkdir()
    yield directory
    for image in docker_client.images.list(filters={"label": f"{build.ROLE_LABEL}=trial"}):
        docker_client.images.remove(image.id, force=True)


def plan(recipe: Path, *instructions: str) -> context.Context:
    lines = ["ARG BASE", "FROM ${BASE}", *instructions]
    (recipe / "Dockerfile").write_text("\n".join(lines) + "\n")
    return context.plan_directory(recipe, context.plan("base").tag)


def containers_of_a_build(client: DockerClient, instruction: str) -> list[Container]:
    return [
        container
        for container in client.containers.list(all=True, ignore_removed=True)
        if any(instruction in word for word in container.attrs["Config"]["Cmd"] or ())
    ]


def run(client: DockerClient, role: str, *command: str) -> str:
    printed = client.containers.run(
        build.image_tag(role),
        list(command),
        remove=True,
        network_mode="none",
        user="10001:10001",
        cap_drop=["ALL"],
        cap_add=["NET_RAW"] if role == "net" else [],
        read_only=True,
    )
    return str(printed.decode())


def test_what_is_built_is_not_built_again(docker_client: DockerClient) -> None:
    build.build_missing(docker_client, lambda _: None)
    assert build.missing(docker_client) == ()
    reported: list[Happening] = []
    assert build.build_missing(docker_client, reported.append) == ()
    assert reported == []


def test_a_failing_step_is_named_and_leaves_no_container(
    docker_client: DockerClient, recipe: Path
) -> None:
    failing = plan(recipe, "RUN true", "RUN seq 100 && echo the disk is on fire && exit 7")
    with pytest.raises(
        LabError, match=r"image of 'trial' failed in step 4 of 6: RUN seq"
    ) as raised:
        build.build(docker_client, failing, lambda _: None)
    assert "the disk is on fire" in raised.value.hint
    assert len(raised.value.hint.splitlines()) == 16
    assert containers_of_a_build(docker_client, "the disk is on fire") == []
    assert not docker_client.images.list(failing.tag)


def test_progress_counts_the_steps(docker_client: DockerClient, recipe: Path) -> None:
    told: list[Happening] = []
    build.build(docker_client, plan(recipe, "RUN echo hello"), told.append)
    steps = [happening for happening in told if isinstance(happening, Building)]
    assert [(step.step, step.text) for step in steps][:4] == [
        (1, "ARG BASE"),
        (2, "FROM ${BASE}"),
        (3, "RUN echo hello"),
        (3, "hello"),
    ]
    assert all(step.step <= step.steps for step in steps)


def test_an_interrupted_build_leaves_no_container(
    docker_client: DockerClient, recipe: Path
) -> None:
    endless = plan(recipe, "RUN echo begun && sleep 1000")

    def interrupt(happening: Happening) -> None:
        if isinstance(happening, Building) and happening.text == "begun":
            assert containers_of_a_build(docker_client, "sleep 1000")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build.build(docker_client, endless, interrupt)
    deadline = time.monotonic() + 20
    while containers_of_a_build(docker_client, "sleep 1000"):
        assert time.monotonic() < deadline, "the build's container is still there after 20 s"
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("role", "command", "expected"),
    [
        ("base", ("python3", "--version"), "Python 3.11"),
        ("tor", ("tor", "--version"), "Tor version 0.4."),
        ("tor", ("python3", "-c", "import stem.control; print('stem')"), "stem"),
        ("vpn-server", ("openvpn", "--version"), "OpenVPN 2.6"),
        ("net", ("python3", "-c", "import pyroute2; print('pyroute2')"), "pyroute2"),
        ("net", ("tcpdump", "--version"), "tcpdump version"),
        ("net", ("ping", "-c1", "127.0.0.1"), "1 received"),
    ],
)
def test_programs_of_the_images_need_no_root_and_no_writable_disk(
    docker_client: DockerClient, role: str, command: tuple[str, ...], expected: str
) -> None:
    build.build_missing(docker_client, lambda _: None, [role])
    assert expected in run(docker_client, role, *command)


def test_kernel_is_asked_by_trying(docker_client: DockerClient) -> None:
    build.build_missing(docker_client, lambda _: None, ["net"])
    abilities = kernel.probe(docker_client, build.image_tag("net"))
    assert abilities is not None
    assert abilities.qdiscs["pfifo"]
    assert abilities.links["veth"]
    assert abilities.default_congestion_control in abilities.congestion_controls


def test_kernel_probe_without_its_image_knows_nothing(docker_client: DockerClient) -> None:
    assert kernel.probe(docker_client, "voice-tor-lab/net:neverbuilt") is None


def test_doctor_speaks_json() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lab"), "doctor", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    states = {finding["name"]: finding["state"] for finding in report["findings"]}
    assert {"docker", "compose", "tun", "qdiscs", "images", "freeswitch"} <= set(states)
    assert report["usable"] == ("missing" not in states.values())
    assert done.returncode == (0 if report["usable"] else 1)


def test_a_newer_image_takes_the_place_of_the_older(
    docker_client: DockerClient, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = {"base": context.plan("base")}
    monkeypatch.setattr(context, "plan", plans.__getitem__)
    for instruction in ("RUN echo one", "RUN echo two"):
        plans["trial"] = plan(recipe, instruction)
        assert build.build_missing(docker_client, lambda _: None, ["trial"]) == ("trial",)
    trials = docker_client.images.list(filters={"label": f"{build.ROLE_LABEL}=trial"})
    assert [image.tags for image in trials] == [[plans["trial"].tag]]
