"""The command line itself: wrong use, completion, and verbs that need nothing but the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from command_here import NOWHERE, lab

from lab.checkout import ROOT
from lab.cli import doctor, main
from lab.engine.agent import AgentEndedError

LAB = Path(sys.executable).with_name("lab")


def program(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`lab` as it is installed."""
    return subprocess.run(
        [LAB, *words],
        env={**os.environ, "DOCKER_HOST": NOWHERE, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def completed(line: str) -> list[str]:
    """What bash offers when Tab is pressed at the end of `line`."""
    words = line.split(" ")
    done = lab(_LAB_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1))
    assert done.stderr == ""
    return [offer.split(",", 1)[1] for offer in done.stdout.splitlines() if offer]


@pytest.mark.parametrize(
    "words",
    [("fly",), ("down", "a", "--all"), ("call", "telepathy"), ("logs",), ("exec", "caller")],
    ids=" ".join,
)
def test_wrong_use_is_exit_status_2(words: tuple[str, ...]) -> None:
    done = lab(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("raised", "status", "words"),
    [
        (AgentEndedError("phone in caller has ended"), 1, "lab: phone in caller has ended"),
        (KeyboardInterrupt(), 130, "lab: interrupted"),
    ],
    ids=["an agent ends", "Ctrl-C"],
)
def test_only_what_the_user_ended_is_called_interrupted(
    raised: BaseException,
    status: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An agent that ends is an end of file, which click takes for the user's."""

    def fails(**_: object) -> None:
        raise raised

    monkeypatch.setattr(sys, "argv", ["lab", "doctor"])
    monkeypatch.setattr(doctor.command, "callback", fails)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == status
    assert capsys.readouterr().err.strip() == words


def test_verbs_are_completed() -> None:
    assert {"status", "score", "schema", "setup"} <= set(completed("lab s"))


def test_topologies_are_completed() -> None:
    assert "paper" in completed("lab up pa")


def test_points_to_capture_at_are_completed_without_docker() -> None:
    assert {"callee", "callee_exit", "callee_tunnel"} <= set(completed("lab capture callee"))


@pytest.mark.parametrize("line", ["lab exec ", "lab logs --name ", "lab down ", "lab status "])
def test_without_docker_no_lab_is_offered(line: str) -> None:
    assert completed(line) == []


def test_completion_for_a_shell_is_a_script() -> None:
    done = program(_LAB_COMPLETE="bash_source")
    assert done.returncode == 0
    assert "complete -o nosort" in done.stdout


def test_a_dry_run_needs_no_docker() -> None:
    done = lab("up", "paper", "--name", "trial", "--dry-run")
    assert done.returncode == 0, done.stderr
    compose = yaml.safe_load(done.stdout)
    assert compose["name"] == "lab-trial"
    assert {"caller", "caller_net", "relay1", "pbx"} <= compose["services"].keys()


def test_places_of_nodes_are_chosen_on_the_command_line(tmp_path: Path) -> None:
    """And the lab's own topology, from which it is read again, says so."""
    places = ("--place", "caller=Tokyo", "--place", "callee=new york")
    done = lab("up", "world", *places, "--dry-run", "--directory", str(tmp_path))
    assert done.returncode == 0, done.stderr
    nodes = yaml.safe_load((tmp_path / "topology.yaml").read_text())["nodes"]
    assert (nodes["caller"]["place"], nodes["callee"]["place"]) == ("Tokyo", "new york")
    for wrong, told in {
        "caller": "is not NODE=CITY",
        "caler=Tokyo": "did you mean 'caller'?",
        "caller=Tokio": "did you mean Tokyo?",
    }.items():
        done = lab("up", "world", "--place", wrong, "--dry-run")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert told in done.stderr


def test_an_unknown_topology_names_those_there_are() -> None:
    done = program("up", "papers", "--dry-run")
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean" in done.stderr
    assert "paper" in done.stderr


def test_a_package_that_is_not_installed_is_named(tmp_path: Path) -> None:
    (tmp_path / "pesq.py").write_text("raise ModuleNotFoundError('no pesq', name='pesq')\n")
    done = program("score", "a.wav", "b.wav", PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert done.returncode == 1
    assert done.stderr == (
        "lab: `lab score` needs the Python package pesq, which is not installed\n"
        "`make setup` installs it.\n"
    )
