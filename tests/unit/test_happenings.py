"""The stream of events: every happening as a line and back, journals, and who follows them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from lab.cli.event_lines import words
from lab.events import Began, CallEnded, Ended, Happening, Noted, RunAdvanced, both, silent
from lab.events.following import Follower
from lab.events.journal import MAX_BYTES, Journal, older
from lab.events.told import KINDS, Told, from_line, to_line
from lab.wire.plain import ShapeError

CALL = CallEnded("20260101T000000-3fa9c1", "ok", True, None, (), {"caller_pesq_mos": 4.1})
RUN = RunAdvanced("table1", "sip.PCMU", 2, "caller", CALL, 2, 4.05, 7, 9, 3)


def some(kind: Any) -> Any:
    """A value of an annotation."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return arguments[0]
    if kind is CallEnded:
        return CALL
    if origin is tuple:
        return (some(arguments[0]),)
    if origin is not None and arguments[-1] is not type(None):
        return {"name": some(arguments[1])}
    if arguments:
        return some(arguments[0])
    return {str: "text: \u00fc\n", int: 3, float: 2.5, bool: True}[kind]


def told_by(journal: Path) -> list[Happening]:
    return [told.what for told in Follower(journal).new()]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_happening_is_one_line_and_comes_back(kind: type[Happening]) -> None:
    hints = get_type_hints(kind)
    what = kind(**{item.name: some(hints[item.name]) for item in fields(kind)})  # type: ignore[arg-type]
    told = Told(1764211569.125, "paper", "call", 4711, what)
    line = to_line(told)
    assert "\n" not in line
    assert from_line(line) == told


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_happening_has_words(kind: type[Happening]) -> None:
    hints = get_type_hints(kind)
    what = kind(**{item.name: some(hints[item.name]) for item in fields(kind)})  # type: ignore[arg-type]
    assert words(what) != str(what)


def test_no_happening_has_a_field_that_the_line_has_already() -> None:
    about = {item.name for item in fields(Told)} | {"event"}
    for kind in KINDS.values():
        assert about.isdisjoint(item.name for item in fields(kind))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line", ["", "{", "[]", '{"event": "Nothing", "at": 1.0}', '{"event": "Noted", "at": 1.0}']
)
def test_a_line_of_anything_else_is_refused(line: str) -> None:
    with pytest.raises(ShapeError):
        from_line(line)


def test_two_listeners_are_told_in_their_order() -> None:
    heard: list[tuple[str, Happening]] = []
    tell = both(
        lambda what: heard.append(("first", what)), lambda what: heard.append(("then", what))
    )
    tell(Began("a"))
    tell(Ended("a", 1.0))
    assert heard == [
        ("first", Began("a")),
        ("then", Began("a")),
        ("first", Ended("a", 1.0)),
        ("then", Ended("a", 1.0)),
    ]
    silent(Began("b"))


def test_a_follower_hears_each_thing_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    follower, journal = Follower(path), Journal(path, "paper", "call")
    assert list(follower.new()) == []
    journal.tell(Began("opening the path"))
    journal.tell(RUN)
    assert [told.what for told in follower.new()] == [Began("opening the path"), RUN]
    assert list(follower.new()) == []
    journal.tell(CALL)
    [told] = follower.new()
    assert (told.what, told.lab, told.teller, told.pid) == (CALL, "paper", "call", os.getpid())


def test_a_follower_waits_for_the_rest_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    follower = Follower(path)
    line = to_line(Told(1.0, None, "up", 1, Noted("\u00fc"))).encode() + b"\n"
    path.write_bytes(line[:20])
    assert list(follower.new()) == []
    with path.open("ab") as file:
        file.write(line[20:])
    assert [told.what for told in follower.new()] == [Noted("\u00fc")]


def test_what_is_not_understood_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event": "OfALaterVersion"}\n\xff\xfe\n')
    Journal(path, None, "up").tell(Noted("understood"))
    assert told_by(path) == [Noted("understood")]


def test_other_processes_are_heard(tmp_path: Path) -> None:
    """Each line of each is there once, and whole, however they come together."""
    path, each, processes = tmp_path / "events.jsonl", 50, 3
    program = (
        "import sys; from pathlib import Path; from lab.events import Noted;"
        "from lab.events.journal import Journal;"
        "journal = Journal(Path(sys.argv[1]), None, 'call');"
        f"[journal.tell(Noted(f'{{sys.argv[2]}} {{n}} ' + 'x' * 200)) for n in range({each})]"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, path, str(number)])
        for number in range(processes)
    ]
    follower, heard = Follower(path), []
    while any(process.poll() is None for process in started):
        heard += [told.what.text for told in follower.new() if isinstance(told.what, Noted)]
    heard += [told.what.text for told in follower.new() if isinstance(told.what, Noted)]
    for number in range(processes):
        own = [int(text.split()[1]) for text in heard if text.startswith(f"{number} ")]
        assert own == list(range(each))


def test_a_journal_is_bounded_and_a_follower_misses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    follower, journal = Follower(path), Journal(path, None, "call")
    text, heard, written = "x" * 1000, 0, 0
    while written < 3 * MAX_BYTES:
        for _ in range(100):
            journal.tell(Noted(text))
            written += len(text)
        heard += sum(1 for _ in follower.new())
        on_disk = sum(file.stat().st_size for file in tmp_path.iterdir())
        assert on_disk < 2 * MAX_BYTES + 10 * len(text)
    assert heard == written / len(text)
    assert {file.name for file in tmp_path.iterdir()} <= {path.name, older(path).name}
    assert len(told_by(path)) < heard


def test_a_journal_waits_for_its_directory_and_never_makes_one(tmp_path: Path) -> None:
    path = tmp_path / "labs" / "paper" / "events.jsonl"
    journal = Journal(path, "paper", "up")
    journal.tell(Began("resolving the topology"))
    assert list(tmp_path.iterdir()) == []
    path.parent.mkdir(parents=True)
    journal.tell(Began("rendering project and secrets"))
    assert told_by(path) == [
        Began("resolving the topology"),
        Began("rendering project and secrets"),
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_journal_that_cannot_be_written_breaks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.mkdir()
    Journal(path, None, "call").tell(Noted("unheard"))
    full = Path("/dev/full")
    Journal(full, None, "call").tell(Noted("unheard"))


def test_threads_share_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path, None, "experiment")

    def tell() -> None:
        for _ in range(50):
            journal.tell(Noted("x"))

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told_by(path) == [Noted("x")] * 200


def test_a_lab_that_is_gone_takes_its_journal_along(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    follower, journal = Follower(path), Journal(path, None, "call")
    journal.tell(Noted("first life"))
    assert len(list(follower.new())) == 1
    path.unlink()
    assert list(follower.new()) == []
    journal.tell(Noted("second life"))
    assert [told.what for told in follower.new()] == [Noted("second life")]
