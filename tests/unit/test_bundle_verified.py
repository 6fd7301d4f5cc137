"""`lab bundle verify`: a sentence for each thing that is wrong with a bundle, and no traceback."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundled_runs import bundled, files_in, make_run, repacked
from click.testing import CliRunner

from lab.bundles.layout import Artefacts
from lab.bundles.opened import opened
from lab.bundles.verify import check_bundle
from lab.cli import app
from lab.errors import LabError
from lab.store.database import open_store

TOP = "cliff-260101-120000"
CALL = "20260101T000000-000000"
Change = Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A bundle with the directories of its calls."""
    directory = tmp_path_factory.mktemp("packed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(directory / "home"))
        patch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        made = bundled(*make_run(directory), directory / "it.tar.gz", artefacts=Artefacts.ALL)
    return made.file.read_bytes()


@pytest.fixture
def bundle(packed: bytes, tmp_path: Path) -> Path:
    file = tmp_path / "it.tar.gz"
    file.write_bytes(packed)
    return file


def verify(*words: str | Path) -> Any:
    return CliRunner().invoke(app, ["bundle", "verify", *map(str, words)])


def as_it_is(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    return member, data


def changing(name: str, change: Callable[[bytes], bytes]) -> Change:
    """Changes one file, and nothing that says what it was."""
    return lambda member, data: (
        (member, change(data)) if member.name == f"{TOP}/{name}" else (member, data)
    )


def with_right_sums(changes: dict[str, bytes | None]) -> Change:
    """Changes files, None leaves one out, and corrects their checksums: made wrong, not broken."""

    def change(member: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes] | None:
        name = member.name.removeprefix(f"{TOP}/")
        if name == "SHA256SUMS":
            sums = dict(line.split("  ")[::-1] for line in data.decode().splitlines())
            for changed, content in changes.items():
                if content is None:
                    sums.pop(changed)
                else:
                    sums[changed] = hashlib.sha256(content).hexdigest()
            return member, "".join(f"{digest}  {n}\n" for n, digest in sums.items()).encode()
        content = changes.get(name, data)
        return None if content is None else (member, content)

    return change


def test_a_bundle_that_is_whole_is_said_to_be_so(bundle: Path) -> None:
    before = bundle.read_bytes()
    done = verify(bundle)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{bundle} is whole: run {TOP}, ")
    assert done.stdout.strip().endswith("8 calls, the directories of 7")
    told = json.loads(verify(bundle, "--json").stdout)
    assert (told["run_id"], told["mistakes"]) == (TOP, [])
    assert told["files"] == len(files_in(bundle))
    assert bundle.read_bytes() == before


@pytest.mark.parametrize("share", [0.001, 0.05, 0.5, 0.9, 0.999])
def test_one_that_is_cut_short_is_said_to_be_so(share: float, bundle: Path) -> None:
    whole = bundle.read_bytes()
    bundle.write_bytes(whole[: int(len(whole) * share)])
    done = verify(bundle)
    assert done.exit_code == 1
    said = done.stdout + str(done.exception)
    assert "is cut short" in said
    with pytest.raises(LabError, match="is cut short") as refused, opened(bundle, None):
        pass
    assert str(bundle) in refused.value.message


def test_no_changed_octet_goes_unnoticed(bundle: Path) -> None:
    """Either it is said, or all that was packed is still there as it was: gzip's header says no
    more than with what it was packed."""
    whole, chance = bundle.read_bytes(), random.Random(1)
    before = files_in(bundle)
    unnoticed = []
    for position in [*range(12), *chance.sample(range(12, len(whole)), 60), len(whole) - 1]:
        damaged = bytearray(whole)
        damaged[position] ^= 1 << chance.randrange(8)
        bundle.write_bytes(bytes(damaged))
        try:
            said = check_bundle(bundle).mistakes
        except LabError as error:
            said = [error.message]
        if not said:
            unnoticed.append(position)
            assert files_in(bundle) == before
    assert set(unnoticed) <= set(range(3, 10))


@pytest.mark.parametrize(
    "name", ["experiment.yaml", "results.sqlite", "bundle.json", f"calls/{CALL}/access.pcap"]
)
def test_a_changed_file_is_named(name: str, bundle: Path, tmp_path: Path) -> None:
    changed = repacked(
        bundle, tmp_path / "changed.tar.gz", changing(name, lambda data: data[:-1] + b"\n\n")
    )
    done = verify(changed)
    assert done.exit_code == 1
    assert f"{name} is not what was packed: its SHA-256 is another one.\n" in done.stdout
    if name == "experiment.yaml":
        return
    with (
        pytest.raises(LabError, match=f"is damaged: {name} is not what was packed"),
        opened(changed, None),
    ):
        pass


def test_a_changed_call_hinders_nobody_who_does_not_read_it(bundle: Path, tmp_path: Path) -> None:
    name = f"calls/{CALL}/access.pcap"
    changed = repacked(bundle, tmp_path / "changed.tar.gz", changing(name, lambda _: b"nothing"))
    with opened(changed) as read:
        assert read.contents.run_id == TOP
        assert not read.call(CALL).exists()


def test_one_of_a_newer_version_names_both(bundle: Path, tmp_path: Path) -> None:
    newer = json.dumps({"format": 2, "packed_by": "7.0", "sealed": True}).encode()
    changed = repacked(bundle, tmp_path / "newer.tar.gz", with_right_sums({"bundle.json": newer}))
    told = f"{changed} is a bundle of format 2, made by lab 7.0; this version reads format 1"
    refused = verify(changed)
    assert isinstance(refused.exception, LabError)
    assert refused.exception.message == told
    with pytest.raises(LabError, match="made by lab 7"), opened(changed):
        pass


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("../evil", tarfile.REGTYPE, "it holds ../evil, which would lie outside of it"),
        (f"{TOP}/../../evil", tarfile.REGTYPE, "which would lie outside of it"),
        ("/etc/evil", tarfile.REGTYPE, "it holds /etc/evil, which would lie outside of it"),
        ("other/evil", tarfile.REGTYPE, f"which does not lie in its directory {TOP}"),
        (f"{TOP}/evil", tarfile.SYMTYPE, "a link to /etc/passwd, and no link may be"),
        (f"{TOP}/evil", tarfile.LNKTYPE, "a link to /etc/passwd, and no link may be"),
        (f"{TOP}/evil", tarfile.FIFOTYPE, f"it holds {TOP}/evil, which is no file"),
        (f"{TOP}/evil", tarfile.CHRTYPE, f"it holds {TOP}/evil, which is no file"),
    ],
)
def test_what_would_leave_the_archive_is_refused(
    name: str, kind: bytes, told: str, bundle: Path, tmp_path: Path
) -> None:
    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(evil, "w:gz") as packed, tarfile.open(bundle) as archive:
        for index, member in enumerate(archive):
            packed.addfile(member, archive.extractfile(member))
            if index == 2:
                made = tarfile.TarInfo(name)
                made.type, made.linkname = kind, "/etc/passwd"
                packed.addfile(made, io.BytesIO())
    done = verify(evil)
    assert done.exit_code == 1
    assert done.stdout.count("\n") == 1
    assert told in done.stdout
    with pytest.raises(LabError, match="is refused: ") as refused, opened(evil):
        pass
    assert told in refused.value.message
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("call", ["..", "../../home", "/etc", "", "a/b"])
def test_a_call_whose_name_is_a_path_is_refused(call: str, bundle: Path, tmp_path: Path) -> None:
    told = json.loads(files_in(bundle)["bundle.json"])
    told["calls"][call] = None
    change = with_right_sums({"bundle.json": json.dumps(told).encode()})
    evil = repacked(bundle, tmp_path / "evil.tar.gz", change)
    with pytest.raises(LabError, match="cannot be the name of a call"), opened(evil, None):
        pass
    assert "cannot be the name of a call" in str(verify(evil).exception)


def without(prefix: str) -> Change:
    return lambda member, data: (
        None if member.name.startswith(f"{TOP}/{prefix}") else (member, data)
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without("versions.json"), "1 of its {} files are missing: versions.json."),
        (without("SHA256SUMS"), "it holds no SHA256SUMS, so nothing in it can be checked."),
        (
            without(f"calls/{CALL}/"),
            f"the directory of call {CALL} is missing, and bundle.json does not say why.",
        ),
        (
            with_right_sums({"results.sqlite": b"no database"}),
            "results.sqlite cannot be used: ",
        ),
        (
            with_right_sums({"ro-crate-metadata.json": b"{}"}),
            "ro-crate-metadata.json is no RO-Crate metadata: ",
        ),
        (
            with_right_sums({"experiment.yaml": None}),
            "the run needs files that are not in it: experiment.yaml.",
        ),
        (
            changing("SHA256SUMS", lambda data: b"sum\n" + data),
            "line 1 of SHA256SUMS is no checksum",
        ),
    ],
)
def test_what_is_lacking_is_said(change: Change, told: str, bundle: Path, tmp_path: Path) -> None:
    sums = len(files_in(bundle)["SHA256SUMS"].splitlines())
    done = verify(repacked(bundle, tmp_path / "lacking.tar.gz", change))
    assert done.exit_code == 1
    assert told.format(sums) in done.stdout


def test_files_without_a_checksum_and_files_twice_are_said(bundle: Path, tmp_path: Path) -> None:
    more = {f"{TOP}/added.txt": b"?", f"{TOP}/plan.json": b"{}"}
    done = verify(repacked(bundle, tmp_path / "more.tar.gz", as_it_is, more))
    assert "it holds files that have no checksum: added.txt.\n" in done.stdout
    assert "it holds plan.json twice.\n" in done.stdout


def test_a_database_that_another_version_wrote_is_said(bundle: Path, tmp_path: Path) -> None:
    file = tmp_path / "results.sqlite"
    file.write_bytes(files_in(bundle)["results.sqlite"])
    with sqlite3.connect(file) as connection:
        connection.execute("ALTER TABLE runs ADD COLUMN weather TEXT")
        connection.execute("ALTER TABLE calls ADD COLUMN mood TEXT")
        connection.execute("UPDATE calls SET mood = 'calm'")
        connection.execute("DELETE FROM calls WHERE call_id = ?", (CALL,))
    change = with_right_sums({"results.sqlite": file.read_bytes()})
    done = verify(repacked(bundle, tmp_path / "newer.tar.gz", change))
    said = [
        line.removeprefix(f"{tmp_path / 'newer.tar.gz'}: ") for line in done.stdout.splitlines()
    ]
    assert said == [
        "results.sqlite has columns of runs that this version does not know: weather.",
        f"results.sqlite lacks calls that bundle.json names: {CALL}.",
        "results.sqlite has columns of calls that this version does not know: mood.",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"points": None},
        {"points": [{}]},
        {"points": [{"method": 5}]},
        {"points": [{"method": "sip", "profile": ["x"]}]},
        {"order": [[99, 1, 1]]},
        {"order": [[0, 1]]},
        {"corners": []},
    ],
    ids=str,
)
def test_a_plan_that_cannot_be_read_is_said(
    changes: dict[str, Any], bundle: Path, tmp_path: Path
) -> None:
    """Whoever makes a bundle by hand gets a sentence, whatever reads it."""
    file = tmp_path / "results.sqlite"
    file.write_bytes(files_in(bundle)["results.sqlite"])
    with sqlite3.connect(file) as connection:
        (plan,) = connection.execute("SELECT plan FROM runs").fetchone()
        changed = json.dumps({**json.loads(plan), **changes})
        connection.execute("UPDATE runs SET plan = ?", (changed,))
    change = with_right_sums({"results.sqlite": file.read_bytes()})
    damaged = repacked(bundle, tmp_path / "damaged.tar.gz", change)
    done = verify(damaged)
    assert done.exit_code == 1
    assert done.stdout.startswith(f"{damaged}: the run's plan cannot be read: ")
    for words in (("report", damaged), ("experiment", "run", "--from", damaged)):
        refused = CliRunner().invoke(app, [*map(str, words)])
        assert isinstance(refused.exception, LabError), words
        assert "the run's plan cannot be read: " in refused.exception.message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it cannot be read as a tar archive: it is empty.\n"),
        (b"no archive at all", "it cannot be read as a tar archive.\n"),
        (gzip.compress(b"text" * 1000, mtime=0), "it cannot be read as a tar archive.\n"),
    ],
    ids=["nothing", "text", "compressed text"],
)
def test_what_is_no_archive_is_said(content: bytes, told: str, tmp_path: Path) -> None:
    file = tmp_path / "it.tar.gz"
    file.write_bytes(content)
    done = verify(file)
    assert done.exit_code == 1
    assert done.stdout == f"{file}: {told}"


def test_an_archive_of_something_else_is_no_bundle(tmp_path: Path) -> None:
    file = tmp_path / "it.tar.gz"
    with tarfile.open(file, "w:gz") as packed:
        packed.addfile(tarfile.TarInfo("photos/cat.jpg"), io.BytesIO())
    refused = verify(file)
    assert isinstance(refused.exception, LabError)
    assert "is no bundle: it does not begin with a bundle.json" in refused.exception.message


def test_wrong_use_is_told(tmp_path: Path) -> None:
    assert verify(tmp_path / "nowhere.tar.gz").exit_code == 2
    assert "Usage" in CliRunner().invoke(app, ["bundle"]).output
    with open_store():
        pass
    refused = CliRunner().invoke(app, ["bundle", "verfiy"])
    assert "there is no run verfiy" in str(refused.exception)
