"""Where `CI` is set nothing but FreeSWITCH may be skipped, and the last line counts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import honest_skips
import pytest

TESTS = """
import pytest


@pytest.fixture(scope="module")
def engine():
    pytest.skip("the Docker engine does not answer")


def test_passes():
    pass


def test_needs_the_engine(engine):
    pass


@pytest.mark.skipif(True, reason="no tor program on this host")
def test_needs_tor():
    pass


def test_is_too_busy():
    pytest.skip("this host is too busy for a valid call")


@pytest.mark.parametrize("codec", ["PCMU", "OPUS"])
def test_freeswitch(codec):
    pytest.skip("FreeSWITCH image absent")


@pytest.mark.xfail(reason="known")
def test_known():
    raise AssertionError
"""
MODULE = "import pytest\npytest.skip('no field data', allow_module_level=True)\n"


def run(directory: Path, ci: str, *options: str) -> tuple[int, list[str]]:
    """Exit status and printed lines of pytest on `directory`, with no plugin but those named."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "honest_skips", "-p", "no:cacheprovider", *options],
        cwd=directory,
        env={
            **os.environ,
            "CI": ci,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(Path(honest_skips.__file__).parent),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "options", [[], ["-p", "xdist", "--numprocesses", "2"]], ids=["alone", "distributed"]
)
def test_in_ci_a_skip_fails_but_for_freeswitch(tests: Path, options: list[str]) -> None:
    status, lines = run(tests, "true", *options)
    assert status == 1
    assert lines[-1] == "2 skipped: FreeSWITCH image absent"
    assert "1 failed, 1 passed, 2 skipped, 1 xfailed, 2 errors" in lines[-2]
    told = [line for line in lines if line.startswith("skipped, which proves nothing")]
    assert sorted(line.partition(": ")[2] for line in told) == [
        "no tor program on this host",
        "the Docker engine does not answer",
        "this host is too busy for a valid call",
    ]


def test_elsewhere_skips_are_counted_with_their_reasons(tests: Path) -> None:
    status, lines = run(tests, "")
    assert status == 0
    assert sorted(lines[-4:]) == [
        "1 skipped: no tor program on this host",
        "1 skipped: the Docker engine does not answer",
        "1 skipped: this host is too busy for a valid call",
        "2 skipped: FreeSWITCH image absent",
    ]


def test_in_ci_a_module_that_skips_itself_fails(tmp_path: Path) -> None:
    (tmp_path / "test_module.py").write_text(MODULE, encoding="utf-8")
    assert run(tmp_path, "")[0] in {0, 5}
    status, lines = run(tmp_path, "1")
    assert status not in {0, 5}
    assert any("no field data" in line for line in lines)
