"""Where standard output takes nothing, a sentence says so; odd locales change nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LAB = Path(sys.executable).with_name("lab")
SHIPPED = Path(__file__).parents[2] / "topologies" / "paper.yaml"


def lab(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`lab` as a shell starts it, with the shell's redirections."""
    nowhere = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    return subprocess.run(
        ["bash", "-c", f"{LAB} {command}"],
        env={**os.environ, **nowhere, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", ["schema", "up --dry-run", "--help", "report --help"])
def test_a_full_disk_is_a_sentence(words: str) -> None:
    done = lab(f"{words} >/dev/full")
    assert done.returncode == 1
    assert done.stderr == ("lab: standard output cannot be written: No space left on device\n")


@pytest.mark.parametrize("words", ["schema", "up --dry-run"])
def test_a_closed_descriptor_is_a_sentence(words: str) -> None:
    done = lab(f"{words} >&-")
    assert done.returncode == 1
    assert done.stderr == "lab: standard output cannot be written: Bad file descriptor\n"


def test_a_closed_descriptor_is_not_mistaken_for_a_file(tmp_path: Path) -> None:
    """The first file opened would get the number of standard output."""
    done = lab(f"up --dry-run --directory {tmp_path / 'project'} >&-")
    assert done.returncode == 0, done.stderr
    assert "44 files" in done.stderr or "files in" in done.stderr


def test_a_reader_that_leaves_early_is_nobodys_mistake() -> None:
    done = lab("up --dry-run | head -c 1; exit ${PIPESTATUS[0]}")
    assert done.stderr == ""
    assert done.returncode in (0, 141)


def test_the_locale_decides_nothing_about_files(tmp_path: Path) -> None:
    file, project = tmp_path / "mine.yaml", tmp_path / "project"
    comment = "# Grüße aus Ängelholm → hier\n"
    file.write_text(comment + SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0"}
    done = lab(f"up {file} --name here --dry-run --directory {project}", **plain)
    assert done.returncode == 0, done.stderr
    assert (project / "topology.yaml").read_text(encoding="utf-8").startswith(comment)
    shown = lab(f"up {file} --name here --dry-run", **plain)
    assert shown.returncode == 0, shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize("debug", [False, True])
def test_warnings_of_libraries_are_for_debug_alone(tmp_path: Path, debug: bool) -> None:
    """A module that warns on import stands in for numpy's divisions."""
    (tmp_path / "pesq.py").write_text(
        "import warnings\nwarnings.warn('divide by zero', RuntimeWarning)\n"
        "class PesqError(Exception): pass\n",
        encoding="utf-8",
    )
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    done = lab(f"{'--debug ' * debug}score none.wav none.wav", PYTHONPATH=path)
    assert done.returncode == 1
    assert ("divide by zero" in done.stderr) == debug


def test_a_home_that_is_not_known_is_a_sentence() -> None:
    done = lab("experiment list", LAB_HOME="~there-is-no-such-user/x")
    assert done.returncode == 1
    assert done.stderr.startswith("lab: LAB_HOME (~there-is-no-such-user/x) names the home")
