"""`lab demo` without a lab: what there is, and what is wrong use."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import click
import pytest
from command_here import lab
from demo_person import QUESTION
from rich.console import Console

from lab.cli import demo as demo_command
from lab.cli.demo_terminal import WIDEST, Terminal
from lab.demo.demonstrations import DEMONSTRATIONS
from lab.report.pages import Table
from lab.web.demonstrations.giving import FOR_A_PAGE


def demo(*words: str) -> subprocess.CompletedProcess[str]:
    return lab("demo", *words)


def test_all_are_listed() -> None:
    done = demo("--list", "--json")
    assert done.returncode == 0, done.stderr
    assert [each["name"] for each in json.loads(done.stdout)] == list(DEMONSTRATIONS.all)
    text = demo("--list").stdout
    assert all(each.title in text for each in DEMONSTRATIONS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "no demonstration is named"),
        (("choak", "--yes"), "did you mean 'choke'?"),
        (("choke",), "there is no terminal to answer them at"),
        (("choke", "--port", "8000", "--yes"), "no meaning without --web"),
        (("choke", "--yes", "--up", "--name", "x"), "--up has a lab of its own"),
    ],
)
def test_wrong_use_is_one_sentence(words: tuple[str, ...], told: str) -> None:
    done = demo(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert told in done.stderr
    assert done.stderr.count("lab: ") == 1


@pytest.mark.parametrize("words", [("--yes",), ("--web",)])
def test_without_docker_it_says_so(words: tuple[str, ...]) -> None:
    done = demo("choke", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr


def test_what_is_read_fits_a_narrow_terminal(tmp_path: Path) -> None:
    with (tmp_path / "screen").open("w") as file:
        terminal = Terminal(Console(file=file, width=200), attends=False)
        terminal.headline("What happens")
        terminal.tell("voice " * 60)
        terminal.choose(QUESTION)
        terminal.show(Table("Ears", ("ear", "heard"), (("left", "nothing"),), 1))
    text = (tmp_path / "screen").read_text()
    assert max(map(len, text.splitlines())) <= WIDEST
    assert "  c: Neither <b>." in text
    assert "nothing" in text


def test_the_command_in_lines_is_the_same_but_for_where_it_is_told() -> None:
    words = demo_command._words("school", "Ada", 3, Path("r.html"), unattended=True)
    context = demo_command.command.make_context("demo", ["choke", *words, FOR_A_PAGE])
    asked = {key: value for key, value in context.params.items() if value not in {None, False}}
    assert asked == {
        "name": "choke",
        "lab": "school",
        "student": "Ada",
        "seed": 3,
        "file": Path("r.html"),
        "unattended": True,
        "in_lines": True,
    }
    assert demo_command._words(None, None, 0, None, unattended=False) == ["--up", "--seed", "0"]


def test_nobody_is_asked_where_nobody_attends() -> None:
    nobody = Terminal(Console(quiet=True), attends=False)
    assert nobody.name() is None
    assert nobody.choose(QUESTION) is None
    assert nobody.number("How fast?", 595, 100, 1000) == 595


def test_a_person_answers_by_letter_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["  Ada  ", "B", "700"])
    monkeypatch.setattr(click.termui, "visible_prompt_func", lambda _: next(answers))
    person = Terminal(Console(quiet=True), attends=True)
    assert person.name() == "Ada"
    assert person.choose(QUESTION) == 1
    assert person.number("How fast?", 595, 100, 1000) == 700
