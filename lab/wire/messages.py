"""Orders and events, typed on both sides: what a program in a node is told, and what it tells.

Each message is a frozen dataclass, written once in a module of this package; on the wire it is
one JSON object per line, `{"message": "Joined", …}`. A `Dialogue` names the program and all that
may be said between it and whoever started it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lab.wire.plain import ShapeError, from_plain, to_plain

TAG = "message"
"""The key of the message's name; no message has a field of that name."""


class NoMessageError(ShapeError):
    """A line is none of anybody's messages."""


class Message:
    """What one side says to the other; every one of them is a frozen dataclass."""

    __slots__ = ()


class Order(Message):
    """What the host asks of a program in a node."""

    __slots__ = ()


class Event(Message):
    """What a program in a node tells, asked or not."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """Any program, of any order: it could not be done."""

    reason: str
    """As the end of a sentence about the program."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A program in a node and the messages it understands."""

    program: str
    """Its module below `lab.agents`: `phone.phone`."""
    orders: tuple[type[Order], ...]
    events: tuple[type[Event], ...]
    """Without `Failed`, which every program may say."""

    def read_order(self, line: str) -> Order:
        """The order in a line; ShapeError where it holds none of this dialogue."""
        order = _read(line, self.orders)
        assert isinstance(order, Order)
        return order

    def read_event(self, line: str) -> Event:
        """The event in a line; ShapeError where it holds none of this dialogue."""
        event = _read(line, (*self.events, Failed))
        assert isinstance(event, Event)
        return event


def write(message: Message) -> str:
    """A message as one line, without its end."""
    return json.dumps({TAG: type(message).__name__, **to_plain(message)})


def _read(line: str, kinds: Iterable[type[Message]]) -> Message:
    try:
        plain: Any = json.loads(line)
    except ValueError:
        raise NoMessageError(f"no JSON: {line[:60]!r}") from None
    if not isinstance(plain, dict) or TAG not in plain:
        raise NoMessageError(f"no message: {line[:60]!r}")
    name = plain.pop(TAG)
    for kind in kinds:
        if kind.__name__ == name:
            return from_plain(kind, plain)
    raise ShapeError(f"no such message: {str(name)[:60]!r}")
