"""A bundle: what is in it, what is not, and that the same run gives the same octets."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import resource
import sqlite3
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from bundled_runs import EXPERIMENT, VERSIONS, bundled, files_in, make_run
from click.testing import CliRunner
from docker.errors import ImageNotFound
from report_runs import call as reported_call

from lab import storage
from lab.bundles import images
from lab.bundles.archive import Entry, write_archive
from lab.bundles.layout import Artefacts
from lab.bundles.placeholders import MARK, placeholder_secrets
from lab.bundles.projects import rendered_projects
from lab.checkout import TOPOLOGIES
from lab.cli import app
from lab.errors import LabError
from lab.lifecycle.plan import block_for
from lab.measure.record import CallRecord
from lab.render.owner import Owner
from lab.render.pbx import KAMAILIO_REALM, digest_ha1
from lab.render.project import render_project
from lab.render.secrets import LabSecrets, generate_secrets
from lab.store.database import Run, open_store
from lab.store.reading import read_store
from lab.sweep.point import Point
from lab.topology.load import load_topology
from lab.topology.model import PbxKind, Topology
from lab.topology.resolve import resolve

NAME = "cliff-260101-120000"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    return tmp_path / "home"


@pytest.fixture
def made(tmp_path: Path) -> tuple[Run, list[CallRecord]]:
    return make_run(tmp_path)


def lab(*words: str | Path) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_same_run_gives_the_same_octets(
    made: tuple[Run, list[CallRecord]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bundled(*made, tmp_path / "first.tar.gz", artefacts=Artefacts.ALL)
    for path in (tmp_path / "home").rglob("*"):
        os.utime(path, (1e9, 1e9))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "elsewhere"))
    second = bundled(*made, tmp_path / "second.tar.gz", artefacts=Artefacts.ALL)
    assert first.file.read_bytes() == second.file.read_bytes()
    assert first.sha256 == hashlib.sha256(first.file.read_bytes()).hexdigest()


def test_it_holds_the_run_as_it_was_stored_and_no_other(
    made: tuple[Run, list[CallRecord]], tmp_path: Path
) -> None:
    run, calls = made
    other = reported_call(Point("sip"), call_id="elsewhere")
    with open_store() as store:
        store.add_run(replace(run, run_id="other-260101-120000"))
        store.add_call(replace(other, run_id="other-260101-120000"))
    found = files_in(bundled(run, calls, tmp_path / "it.tar.gz").file)
    assert found["experiment.yaml"].decode() == EXPERIMENT == run.definition
    assert found["topology.yaml"] == (TOPOLOGIES / "paper.yaml").read_bytes()
    assert json.loads(found["plan.json"]) == json.loads(run.plan)
    assert json.loads(found["versions.json"]) == VERSIONS
    assert json.loads(found["images.json"])["voice-tor-lab/net:0123456789ab"] == {
        "image": "net",
        "digest_now": None,
    }
    assert {"locks/requirements.lock", "locks/images/tor/wheels.txt"} < found.keys()
    store_file = tmp_path / "results.sqlite"
    store_file.write_bytes(found["results.sqlite"])
    with read_store(store_file) as store:
        assert store.runs() == [run]
        packed = store.calls()
    assert [call.call_id for call in packed] == [call.call_id for call in calls]
    assert [replace(p, artefacts=c.artefacts) for p, c in zip(packed, calls, strict=True)] == calls
    with sqlite3.connect(store_file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_every_file_has_its_checksum(made: tuple[Run, list[CallRecord]], tmp_path: Path) -> None:
    found = files_in(bundled(*made, tmp_path / "it.tar.gz", artefacts=Artefacts.ALL).file)
    sums = dict(line.split("  ")[::-1] for line in found.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in found.items()}


@pytest.mark.parametrize(
    ("artefacts", "kept", "reason"),
    [
        ("none", [], "no call's directory was asked for"),
        ("failed", [2], "only those of failed and invalid calls were asked for"),
        ("all", [0, 2, 3, 4, 5, 6, 7], None),
    ],
)
def test_which_directories_travel_is_chosen_and_the_others_are_said_to_be_left_out(
    artefacts: str,
    kept: list[int],
    reason: str | None,
    made: tuple[Run, list[CallRecord]],
    tmp_path: Path,
) -> None:
    run, calls = made
    file = tmp_path / "it.tar.gz"
    done = lab("bundle", run.run_id, "-o", file, "--artefacts", artefacts, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["calls"]
    assert [call for call, why in told.items() if why is None] == [calls[i].call_id for i in kept]
    assert told[calls[1].call_id] == (
        "no call's directory was asked for" if artefacts == "none" else "the call left no files"
    )
    assert reason in told.values()
    there = {name.split("/")[1] for name in files_in(file) if name.startswith("calls/")}
    assert there == {calls[i].call_id for i in kept}
    if kept:
        assert files_in(file)[f"calls/{calls[2].call_id}/logs/phone.log"] == b"registered\n"


def test_a_directory_that_is_gone_is_said_to_be_left_out(
    made: tuple[Run, list[CallRecord]], tmp_path: Path
) -> None:
    run, calls = made
    calls[0].artefacts = "/nowhere/at/all"
    directory = storage.results_directory() / "calls" / calls[0].call_id
    directory.rename(tmp_path / "moved")
    contents = bundled(run, calls, tmp_path / "it.tar.gz", artefacts=Artefacts.ALL).contents
    told = "its directory was not there when the bundle was made"
    assert contents.calls[calls[0].call_id] == told


def test_nothing_tells_where_it_was_made(
    made: tuple[Run, list[CallRecord]], tmp_path: Path, home: Path
) -> None:
    made_bundle = bundled(*made, tmp_path / "it.tar.gz", artefacts=Artefacts.ALL)
    content = gzip.decompress(made_bundle.file.read_bytes())
    assert str(home).encode() not in content
    assert str(tmp_path).encode() not in content


def strings_in(value: object) -> Iterator[bytes]:
    """Every text and file in a lab's secrets, of any length that a secret has."""
    if isinstance(value, str | bytes):
        data = value.encode() if isinstance(value, str) else value
        yield from (line for line in data.split(b"\n") if len(line) >= 16)
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings_in(part)
    elif hasattr(value, "__dataclass_fields__"):
        for item in fields(value):  # type: ignore[arg-type]
            yield from strings_in(getattr(value, item.name))


def resolved(name: str) -> tuple[str, Topology]:
    file = TOPOLOGIES / f"{name}.yaml"
    raw = load_topology(file)
    pbx = PbxKind.FREESWITCH if name == "world-busy-bridges" else PbxKind.KAMAILIO
    return file.read_text(), resolve(raw, raw.name, block_for(raw, ()), pbx)


def project(text: str, topology: Topology, secrets: LabSecrets) -> dict[str, bytes]:
    images_of = dict.fromkeys(IMAGE_NAMES, "tag")
    return dict(render_project(topology, text, secrets, images_of, Owner(1, 1)).files)


IMAGE_NAMES = (
    "net", "delay-line", "endpoint", "tor", "vpn-server", "web", "mumble-server", "kamailio",
    "rtpengine", "freeswitch", "turn",
)  # fmt: skip


@pytest.mark.parametrize("name", ["paper", "onion", "world-busy-bridges"])
def test_where_a_secret_would_be_a_project_says_that_it_is_left_out(name: str) -> None:
    """Where two labs of one topology differ is where their secrets are: nowhere else."""
    text, topology = resolved(name)
    one = generate_secrets(topology)
    first = project(text, topology, one)
    second = project(text, topology, generate_secrets(topology))
    rendered = project(text, topology, placeholder_secrets(topology))
    assert rendered.keys() == first.keys()
    secret = {file for file, content in first.items() if second[file] != content}
    assert secret
    digested = {
        digest_ha1(node.extension or "", KAMAILIO_REALM, f"{MARK}-sip-password-of-{node.name}")
        for node in topology.nodes
    }
    for file in secret:
        words = rendered[file].decode()
        assert MARK in words or any(digest in words for digest in digested), file
    assert [file for file in first if file not in secret and rendered[file] != first[file]] == []
    whole = b"\n".join(rendered.values())
    assert [line for line in strings_in(one) if line in whole] == []
    assert b"PRIVATE KEY" not in whole


def test_no_secret_of_a_running_lab_travels(
    made: tuple[Run, list[CallRecord]], tmp_path: Path
) -> None:
    text, topology = resolved("paper")
    secrets = generate_secrets(topology)
    directory = storage.project_directory("paper")
    for name, data in project(text, topology, secrets).items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(data)
    file = bundled(*made, tmp_path / "it.tar.gz", artefacts=Artefacts.ALL).file
    content = gzip.decompress(file.read_bytes())
    hidden = set(strings_in(secrets))
    assert len(hidden) > 50
    assert [line for line in hidden if line in content] == []


def test_every_topology_of_the_run_is_rendered_with_the_images_of_its_calls(
    made: tuple[Run, list[CallRecord]], tmp_path: Path
) -> None:
    run, calls = made
    done = bundled(run, calls, tmp_path / "it.tar.gz")
    found = files_in(done.file)
    told = {name: dict(changes) for name, changes in done.contents.topologies.items()}
    assert sorted(told.values(), key=str) == [
        {"tor.voting_interval": "30s"},
        {"tor.voting_interval": "60s"},
    ]
    for name, changes in told.items():
        written = yaml.safe_load(found[f"projects/{name}/topology.yaml"])
        assert written["tor"]["voting_interval"] == changes["tor.voting_interval"]
        compose = yaml.safe_load(found[f"projects/{name}/compose.yaml"])
        images_of = {service["image"] for service in compose["services"].values()}
        assert {VERSIONS["image net"], VERSIONS["image tor"]} < images_of
        assert "endpoint:not-recorded" in images_of


def test_a_topology_that_this_version_cannot_render_is_left_out_and_said(
    made: tuple[Run, list[CallRecord]], tmp_path: Path
) -> None:
    run, calls = made
    old = replace(run, topology=run.topology + "older_key: 1\n")
    contents = bundled(old, calls, tmp_path / "it.tar.gz").contents
    assert len(contents.left_out) == 2
    assert all("older_key" in why for why in contents.left_out.values())
    assert all(not each.files for each in rendered_projects(old, calls))


def test_digests_are_those_that_docker_has(
    made: tuple[Run, list[CallRecord]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Images:
        def get(self, tag: str) -> Any:
            if tag == VERSIONS["image tor"]:
                raise ImageNotFound("gone")
            return type("Image", (), {"id": "sha256:ab", "attrs": {"RepoDigests": None}})

    monkeypatch.setattr(images, "connect", lambda _: type("Client", (), {"images": Images()}))
    found = json.loads(files_in(bundled(*made, tmp_path / "it.tar.gz").file)["images.json"])
    assert found[VERSIONS["image net"]]["digest_now"] == {"id": "sha256:ab", "repo_digests": []}
    assert found[VERSIONS["image tor"]]["digest_now"] is None


def test_the_metadata_is_an_ro_crate_of_a_run(
    made: tuple[Run, list[CallRecord]], tmp_path: Path
) -> None:
    run, calls = made
    found = files_in(bundled(run, calls, tmp_path / "it.tar.gz", artefacts=Artefacts.ALL).file)
    crate = json.loads(found["ro-crate-metadata.json"])
    graph = {entity["@id"]: entity for entity in crate["@graph"]}
    assert len(graph) == len(crate["@graph"]), "every entity once"
    about = graph["ro-crate-metadata.json"]
    assert about["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    root = graph[about["about"]["@id"]]
    assert root["datePublished"] == "2026-01-01"
    assert "author" not in root
    action = graph[root["mentions"]["@id"]]
    assert (action["@type"], action["startTime"], action["endTime"]) == (
        "CreateAction",
        run.started_at,
        run.ended_at,
    )
    assert graph[action["instrument"]["@id"]]["softwareVersion"] == "0.0.9"
    assert {"@id": "experiment.yaml"} in action["object"]
    assert graph["#seed"]["value"] == "7"
    assert graph["#tor"]["softwareVersion"] == "0.4.9.11"
    assert {"@id": f"calls/{calls[0].call_id}/"} in action["result"]
    for entity in crate["@graph"]:
        for name, value in entity.items():
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, dict) and not part["@id"].startswith("http"):
                    assert part["@id"] in graph, (name, part)
    parts = {part["@id"] for part in root["hasPart"]}
    tops = {name for name in found if "/" not in name} - {"ro-crate-metadata.json"}
    assert tops | {f"{name.split('/')[0]}/" for name in found if "/" in name} == parts
    for name in tops - {"SHA256SUMS"}:
        assert graph[name]["contentSize"] == str(len(found[name]))
        assert graph[name]["sha256"] == hashlib.sha256(found[name]).hexdigest()


def test_an_author_is_named_who_is_given(
    made: tuple[Run, list[CallRecord]], tmp_path: Path
) -> None:
    file = tmp_path / "it.tar.gz"
    ada, bob = "Ada Lovelace <https://orcid.org/0000-0001-2345-6789>", "Bob"
    done = lab("bundle", "last", "-o", file, "--author", ada, "--author", bob)
    assert done.exit_code == 0, done.output
    graph = json.loads(files_in(file)["ro-crate-metadata.json"])["@graph"]
    people = [entity for entity in graph if entity["@type"] == "Person"]
    assert people == [
        {
            "@id": "https://orcid.org/0000-0001-2345-6789",
            "@type": "Person",
            "name": "Ada Lovelace",
        },
        {"@id": "#author-Bob", "@type": "Person", "name": "Bob"},
    ]
    refused = lab("bundle", "last", "-o", file, "--author", "Ada <ada@example.org>")
    assert "is neither a name nor" in str(refused.exception)


def test_a_link_among_a_calls_files_is_refused(
    made: tuple[Run, list[CallRecord]], tmp_path: Path
) -> None:
    run, calls = made
    (Path(calls[0].artefacts or "") / "passwords").symlink_to("/etc/passwd")
    with pytest.raises(LabError, match="passwords is neither a file nor a directory"):
        bundled(run, calls, tmp_path / "it.tar.gz", artefacts=Artefacts.ALL)
    assert not (tmp_path / "it.tar.gz").exists()


def test_a_full_disk_leaves_nothing_half_written(
    made: tuple[Run, list[CallRecord]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out" / "it.tar.gz"
    target.parent.mkdir()
    target.write_bytes(b"an older bundle")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = lab("bundle", NAME, "-o", target)
    assert isinstance(done.exception, LabError)
    assert done.exception.message == f"cannot write {target}: No space left on device"
    assert [path.name for path in target.parent.iterdir()] == ["it.tar.gz"]
    assert target.read_bytes() == b"an older bundle"


def test_a_file_that_grows_too_large_leaves_nothing(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = Entry("noise", os.urandom(200_000))
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(LabError, match="File too large"):
            write_archive(tmp_path / "it.tar.gz", "run", [noise], 0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_not_there_is_said(
    made: tuple[Run, list[CallRecord]], tmp_path: Path
) -> None:
    with pytest.raises(LabError, match="No such file or directory"):
        bundled(*made, tmp_path / "nowhere" / "it.tar.gz")
