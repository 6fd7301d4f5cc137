"""The form of a call: what can be entered, and the words that it becomes."""

from __future__ import annotations

from itertools import pairwise

import click
import pytest

from lab.calls.methods import METHODS
from lab.cli.call import command
from lab.errors import UsageError
from lab.sweep.dimensions import DIMENSIONS
from lab.web.call.form import FIRST, codecs_of, fields, playout_asked, words_of
from lab.wire.playout import FIXED, parse_playout

FIELDS = {field.name: field for field in fields()}


def test_every_dimension_that_a_call_can_choose_is_a_field() -> None:
    chosen = {dimension.name for dimension in DIMENSIONS if dimension.option}
    assert len(chosen) > 10
    assert chosen <= FIELDS.keys()
    assert tuple(FIELDS)[: len(FIRST)] == FIRST
    assert all(field.help for field in FIELDS.values())


def test_how_the_command_prints_is_not_asked() -> None:
    labels = {field.label for field in FIELDS.values()}
    assert not {"json", "stalls", "name", "method", "help"} & labels
    assert {"opinion", "opinions"} <= labels
    assert {"seed", "vbr"} <= FIELDS.keys()


def test_where_there_are_few_values_they_are_offered() -> None:
    assert FIELDS["direction"].choices == ("to-callee", "to-caller")
    assert FIELDS["direction"].usual == "to-caller"
    assert "PCMU" in FIELDS["codec"].choices
    assert FIELDS["duration"].choices == ()
    assert "pesq" not in FIELDS["some"].choices, "it comes with every call"
    assert "visqol" in FIELDS["some"].choices


def test_what_goes_without_saying_is_not_said() -> None:
    given: dict[str, str | bool | list[str] | None] = {
        name: field.usual or None for name, field in FIELDS.items()
    }
    assert words_of("sip", given, "demo") == ("call", "sip", "--name", "demo", "--json")
    empty: dict[str, str | bool | list[str] | None] = dict.fromkeys(FIELDS, "")
    assert words_of("sip", empty, None) == ("call", "sip", "--json")


def test_what_is_entered_is_said_word_by_word() -> None:
    given: dict[str, str | bool | list[str] | None] = {
        "codec": "GSM",
        "duration": " 20s ",
        "vbr": True,
        "fault": "5s down caller home for 2s",
        "some": ["visqol", "plcmos"],
    }
    words = words_of("v-tor", given, None)
    assert words[:6] == ("call", "v-tor", "--codec", "GSM", "--duration", "20s")
    assert ("--fault", "5s down caller home for 2s") in tuple(pairwise(words))
    assert words.count("--opinion") == 2
    assert "--vbr" in words


@pytest.mark.parametrize("method", [method.name for method in METHODS])
def test_the_command_takes_the_form_as_it_is_for_every_method(method: str) -> None:
    codec = codecs_of(method)[0]
    words = words_of(method, {"codec": codec, "duration": "10s"}, "demo")
    assert words[:4] == ("call", method, "--codec", codec)
    assert playout_asked(words) == FIXED


def test_the_buffer_that_was_asked_for_is_known() -> None:
    asked = playout_asked(words_of("sip", {"playout": "fixed:60"}, None))
    assert asked == parse_playout("fixed:60")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"duration": "soon"}, "soon"),
        ({"codec": "OPUS", "playout": "adaptive:60"}, "no adaptive playout"),
        ({"seed": "x"}, "seed"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_begun(given: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        playout_asked(words_of("sip", given, None))


def test_no_word_can_become_another_option() -> None:
    """Words are passed through no shell, and a value that looks like an option is one's value."""
    given = {"profile": "--json; rm -rf /"}
    words = words_of("sip", given, None)
    context = command.make_context("call", list(words[1:]))
    assert isinstance(context, click.Context)
    assert words[2:4] == ("--profile", "--json; rm -rf /")
