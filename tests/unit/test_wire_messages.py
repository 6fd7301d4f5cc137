"""Messages between host and nodes: what is written is read back the same, or refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Any, Literal

import pytest

from lab.wire.messages import Dialogue, Event, Failed, Order, write
from lab.wire.plain import Scalar, ShapeError, from_plain, to_plain


class Colour(StrEnum):
    """A choice."""

    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner:
    """A part of a message."""

    ports: tuple[int, int]
    way: Literal["up", "down"] = "up"


@dataclass(frozen=True, slots=True)
class Join(Order):
    """An order with a field of every kind."""

    address: IPv4Address
    file: PurePosixPath
    colour: Colour
    inner: Inner
    parts: tuple[Inner, ...]
    by_name: Mapping[str, float]
    proxy: Inner | None = None


@dataclass(frozen=True, slots=True)
class Joined(Event):
    """Its answer."""

    after_ms: float


TALK = Dialogue("some.program", orders=(Join,), events=(Joined,))
INNER = Inner((1, 2), "down")
JOIN = Join(
    IPv4Address("10.0.0.1"),
    PurePosixPath("/calls/x.wav"),
    Colour.RED,
    INNER,
    (INNER, Inner((3, 4))),
    {"a": 1.5},
)


def test_a_message_is_read_as_it_was_written() -> None:
    """Nested values, optional ones, addresses, paths and choices."""
    assert TALK.read_order(write(JOIN)) == JOIN
    assert TALK.read_event(write(Joined(3.25))) == Joined(3.25)
    assert TALK.read_event(write(Failed("it is gone"))) == Failed("it is gone")
    assert "\n" not in write(JOIN)


def test_an_int_may_stand_for_a_float_but_not_the_other_way() -> None:
    """JSON writes 3.0 as it likes; 2.5 is no port."""
    assert from_plain(Joined, {"after_ms": 3}) == Joined(3.0)
    with pytest.raises(ShapeError, match=r"Inner.ports\[1\]: 2.5 is not int"):
        from_plain(Inner, {"ports": [1, 2.5]})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "no JSON"),
        ("[1]", "no message"),
        ('{"message": "Leave"}', "no such message: 'Leave'"),
        ('{"message": "Joined"}', "Joined lacks after_ms"),
        ('{"message": "Joined", "after_ms": 1, "x": 1}', "Joined has no x"),
        ('{"message": "Joined", "after_ms": true}', "True is not float"),
        ('{"message": "Joined", "after_ms": null}', "None is not float"),
    ],
)
def test_what_is_no_message_is_refused_with_its_place(line: str, said: str) -> None:
    """Each refusal says what was wrong, and where."""
    with pytest.raises(ShapeError, match=said):
        TALK.read_event(line)


def test_a_choice_that_is_none_is_refused() -> None:
    """Literals and enumerations."""
    with pytest.raises(ShapeError, match="'left' is none of 'up', 'down'"):
        from_plain(Inner, {"ports": [1, 2], "way": "left"})
    with pytest.raises(ShapeError, match=r"Join.colour: 'blue' is not Colour"):
        from_plain(Join, to_plain(JOIN) | {"colour": "blue"})


def test_what_has_no_plain_form_cannot_be_sent() -> None:
    """An object that is no part of the language."""
    with pytest.raises(ShapeError, match="object has no plain form"):
        to_plain({"a": object()})


@dataclass(frozen=True)
class Loose:
    """Values of several kinds."""

    cells: Mapping[str, Scalar]
    anything: Any = None


def test_single_values_of_several_kinds_come_back_as_they_were() -> None:
    """Whole numbers stay whole, and what is anything stays plain."""
    loose = Loose({"a": 1, "b": 1.0, "c": "x", "d": True, "e": None}, {"f": [1, 2]})
    back = from_plain(Loose, json.loads(json.dumps(to_plain(loose))))
    assert back == loose
    assert [type(cell) for cell in back.cells.values()] == [int, float, str, bool, type(None)]
    with pytest.raises(
        ShapeError, match=r"Loose.cells.a: \[1\] is not str or int or float or bool"
    ):
        from_plain(Loose, {"cells": {"a": [1]}})
