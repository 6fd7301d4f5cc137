"""The GitHub action: what it says of itself, and that no input is ever read by a shell."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import click
import pytest
import yaml

from lab.checkout import ROOT
from lab.cli import app
from lab.images.build import ROLE_LABEL

ACTION = ROOT / ".github" / "actions" / "lab"
FILE = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = FILE["runs"]["steps"]
INPUTS = {"experiment", "quick", "expect", "jobs", "artefacts"}
HOSTILE = [
    "'; touch pwned; '",
    '"; touch pwned; "',
    "$(touch pwned)",
    "`touch pwned`",
    "${IFS}&&touch${IFS}pwned",
    "| touch pwned #",
    "--help",
    "--debug",
    "-h",
    "--",
    "../../etc/passwd",
    "\\",
    "*",
    "a\tb",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj",
]


@pytest.fixture(scope="module")
def steps() -> ModuleType:
    spec = spec_from_file_location("lab_action_steps", ACTION / "steps.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text of a YAML value, with the keys that lead to it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, (*path, str(key)))
    elif isinstance(value, list):
        for item in value:
            yield from texts(item, path)
    else:
        yield path, str(value)


def environment(**changed: str) -> dict[str, str]:
    usual = {name.upper(): str(FILE["inputs"][name].get("default", "")) for name in INPUTS}
    return {"RESULTS": "/results", **usual, "EXPERIMENT": "table1", **changed}


def parsed(words: list[str]) -> dict[str, Any]:
    """What the lab's own command line makes of some words."""
    found: list[dict[str, Any]] = []
    with patch.object(click.Command, "invoke", lambda _, context: found.append(context.params)):
        app(words, prog_name="lab", standalone_mode=False)
    return found[-1]


def test_every_input_is_described_and_has_a_default_unless_it_is_required() -> None:
    assert set(FILE["inputs"]) == INPUTS
    for name, told in FILE["inputs"].items():
        assert len(told["description"]) > 20, name
        assert told.get("required", False) != ("default" in told), name
        assert isinstance(told.get("default", ""), str), name


def test_every_step_says_what_it_is_and_which_shell_it_takes() -> None:
    for step in STEPS:
        assert ("run" in step) != ("uses" in step)
        if "run" in step:
            assert step["shell"] == "bash"
            assert step["name"]
        else:
            assert re.fullmatch(r"actions/[a-z-]+(/[a-z]+)?@v\d+", step["uses"])


def test_inputs_reach_a_step_by_its_environment_alone() -> None:
    asked = set()
    for path, text in texts({"outputs": FILE["outputs"], "runs": FILE["runs"]}):
        for name in re.findall(r"inputs[.\[]\W*([a-z]+)", text):
            assert path[-2] == "env", f"{path} has {text}"
            assert text == f"${{{{ inputs.{name} }}}}"
            asked.add(name)
    assert asked == INPUTS


def test_what_a_shell_reads_is_the_same_in_every_workflow() -> None:
    for step in STEPS:
        if "run" in step:
            assert re.fullmatch(r'python3 "\$GITHUB_ACTION_PATH/steps\.py" [a-z]+', step["run"])


def test_every_step_of_the_program_is_asked_for_once_and_has_what_it_needs(
    steps: ModuleType,
) -> None:
    asked = {step["run"].split()[-1]: step.get("env", {}) for step in STEPS if "run" in step}
    assert set(asked) == set(steps.STEPS)
    for name in ("run", "report", "bundle"):
        assert {"LAB_HOME", "RESULTS"} <= set(asked[name])
    source = (ACTION / "steps.py").read_text(encoding="utf-8")
    given = {variable for each in asked.values() for variable in each}
    github = {"RUNNER_TEMP", "GITHUB_JOB", "GITHUB_OUTPUT"}
    assert set(re.findall(r"environment\[['\"](\w+)['\"]\]", source)) <= given | github


def test_results_are_uploaded_also_where_the_run_has_failed() -> None:
    (upload,) = [step for step in STEPS if "upload-artifact" in step.get("uses", "")]
    after = STEPS[[step.get("name") for step in STEPS].index("Run the experiment") + 1 :]
    assert upload in after
    assert all(step["if"].startswith("always()") for step in after)


def test_the_lab_is_told_what_the_inputs_say(steps: ModuleType) -> None:
    words = steps.run_words(
        environment(
            QUICK="true",
            JOBS="2",
            EXPECT="\npesq>=4.2 at load=0\r\n\n  jitter<=5 \n",
            EXPERIMENT="voice/mine.yaml",
        )
    )
    told = parsed(words)
    assert told["file"] == "voice/mine.yaml"
    assert told["quick"] is True
    assert told["jobs"] == 2
    assert told["expect"] == ("pesq>=4.2 at load=0", "jitter<=5")
    assert told["junit"] == Path("/results/junit.xml")


def test_the_report_is_that_of_the_last_run(steps: ModuleType) -> None:
    told = parsed(steps.report_words(environment(EXPECT="pesq>=4")))
    assert (told["run_id"], told["html"], told["directory"]) == ("last", True, Path("/results"))
    assert told["expect"] == ("pesq>=4",)


def test_the_bundle_is_that_of_the_last_run(steps: ModuleType) -> None:
    told = parsed(steps.bundle_words(environment(ARTEFACTS="failed")))
    assert (told["run_id"], told["artefacts"]) == ("last", "failed")
    assert told["file"] == Path("/results/bundle.tar.gz")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_input_is_one_word_and_no_option(steps: ModuleType, hostile: str) -> None:
    told = parsed(steps.run_words(environment(EXPERIMENT=hostile, EXPECT=hostile)))
    assert told["file"] == hostile
    assert told["expect"] == (hostile,)
    assert told["quick"] is False
    with pytest.raises(click.UsageError):
        parsed(steps.run_words(environment(JOBS=hostile)))
    with pytest.raises(ValueError, match="the input quick is true or false"):
        steps.run_words(environment(QUICK=hostile))


def test_no_shell_stands_between_an_input_and_the_lab(tmp_path: Path) -> None:
    """The action as a runner has it, with a lab that tells which words it was given."""
    place = tmp_path / "checkout" / ".github" / "actions" / "lab"
    shutil.copytree(ACTION, place, ignore=shutil.ignore_patterns("__pycache__"))
    lab = tmp_path / "checkout" / ".venv" / "bin" / "lab"
    lab.parent.mkdir(parents=True)
    told = tmp_path / "told.json"
    lab.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        f"json.dump(sys.argv[1:], open({str(told)!r}, 'w'))\nsys.exit(7)\n",
        encoding="utf-8",
    )
    lab.chmod(0o755)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    for hostile in HOSTILE:
        given = environment(EXPERIMENT=hostile, EXPECT=hostile, RESULTS=str(tmp_path))
        done = subprocess.run(
            ["bash", "-c", 'python3 "$GITHUB_ACTION_PATH/steps.py" run'],
            cwd=workspace,
            env={**os.environ, **given, "GITHUB_ACTION_PATH": str(place)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 7, done.stderr
        words = json.loads(told.read_text(encoding="utf-8"))
        assert words[-2:] == ["--", hostile]
        assert f"--expect={hostile}" in words
    assert not [*workspace.iterdir()]


def test_a_use_has_directories_and_a_name_of_its_own(steps: ModuleType, tmp_path: Path) -> None:
    output = tmp_path / "output"
    told = {"RUNNER_TEMP": str(tmp_path), "GITHUB_JOB": "voice", "GITHUB_OUTPUT": str(output)}
    assert steps.prepare(told) == steps.prepare(told) == 0
    lines = output.read_text(encoding="utf-8").splitlines()
    values = [line.partition("=") for line in lines if "=" in line]
    for name in ("home", "results", "artefact"):
        found = [value for key, _, value in values if key == name]
        assert len(set(found)) == 2
    assert len({value for key, _, value in values if key == "key"}) == 1
    begin = lines.index("cached<<END")
    assert lines[begin + 1 : begin + 4] == [*map(str, steps.CACHED)]
    assert lines[begin + 4] == "END"


def test_the_program_and_the_lab_agree_on_what_they_share(steps: ModuleType) -> None:
    assert steps.ROOT == ROOT
    assert steps.ROLE_LABEL == ROLE_LABEL
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^setup: \.venv/\.installed", makefile, re.MULTILINE)
    for pattern in steps.MADE_OF:
        assert [*ROOT.glob(pattern)], pattern
