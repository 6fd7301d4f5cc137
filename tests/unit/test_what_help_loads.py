"""Help, completion and lists load nothing that they do not use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from lab.cli import app
from lab.cli.verbs import VERBS

HEAVY = {
    "cryptography",
    "docker",
    "jinja2",
    "matplotlib",
    "multiprocessing",
    "numpy",
    "pesq",
    "pyarrow",
    "pydantic",
    "requests",
    "scipy",
    "soundfile",
    "stem",
    "yaml",
}
PROGRAM = """
import atexit, sys
atexit.register(lambda: print("loaded", *sys.modules, file=sys.stderr))
from lab.cli import main
main()
"""
HELP_OF_EACH = """
import atexit, os, sys
from lab.cli import main
for verb in sys.argv[1:]:
    if os.fork() == 0:
        sys.argv = ["lab", verb, "--help"]
        atexit.register(lambda: print("loaded", *sys.modules, file=sys.stderr))
        main()
    assert os.wait()[1] == 0, verb
"""
"""Each in a process that has loaded the command line and nothing else."""
TELLING = """
import sys
import lab.demo.distant
print("loaded", *sys.modules, file=sys.stderr)
"""


def run(home: Path, program: str, *words: str, **environment: str) -> list[set[str]]:
    """The packages and modules that are loaded when command lines end well."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env={
            **os.environ,
            "LAB_HOME": str(home),
            "DOCKER_HOST": "unix:///nowhere/docker.sock",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = [line.split() for line in done.stderr.splitlines()]
    return [set(modules) for first, *modules in told if first == "loaded"]


def loaded(home: Path, *words: str, **environment: str) -> set[str]:
    """Those that one command line has loaded."""
    [modules] = run(home, PROGRAM, *words, **environment)
    return modules


def completing(line: str) -> dict[str, str]:
    return {
        "_LAB_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }


def test_the_help_page_loads_no_verb(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "--help")
    assert {f"lab.cli.{verb}" for verb in VERBS}.isdisjoint(modules)
    assert (HEAVY | {"rich"}).isdisjoint(modules)


def test_the_help_of_a_verb_loads_nothing_heavy(tmp_path: Path) -> None:
    found = run(tmp_path, HELP_OF_EACH, *VERBS)
    for verb, modules in zip(VERBS, found, strict=True):
        assert f"lab.cli.{verb}" in modules
        assert HEAVY & modules == set(), verb


@pytest.mark.parametrize(
    "line", ["lab ", "lab ca", "lab call ", "lab call sip --codec ", "lab up ", "lab link "]
)
def test_completion_loads_nothing_heavy(line: str, tmp_path: Path) -> None:
    assert HEAVY.isdisjoint(loaded(tmp_path, **completing(line)))


def test_the_list_of_runs_loads_nothing_heavy(tmp_path: Path) -> None:
    assert HEAVY.isdisjoint(loaded(tmp_path, "experiment", "list"))


@pytest.mark.parametrize("kind", ["topology", "experiment"])
def test_schemas_load_what_reads_such_files_and_nothing_else(kind: str, tmp_path: Path) -> None:
    assert HEAVY & loaded(tmp_path, "schema", kind) <= {"pydantic", "yaml"}


def test_a_demonstration_that_draws_nothing_loads_nothing_that_draws(tmp_path: Path) -> None:
    [modules] = run(tmp_path, TELLING)
    assert "lab.demo.distant" in modules
    assert {"matplotlib", "scipy"}.isdisjoint(modules)


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_page_says_of_a_verb_what_its_own_help_says(verb: str) -> None:
    command = app.get_command(click.Context(app), verb)
    assert command is not None
    assert command.help is not None
    assert " ".join(command.help.split()).startswith(VERBS[verb])
