"""The node's end of a dialogue: orders come whole and in order, and nothing else goes out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lab.wire.line import Line
from lab.wire.messages import Dialogue, Event, Failed, Order, write


@dataclass(frozen=True, slots=True)
class Dial(Order):
    """Call this number."""

    number: str


@dataclass(frozen=True, slots=True)
class HangUp(Order):
    """End the call."""


@dataclass(frozen=True, slots=True)
class Ringing(Event):
    """The other end rings."""

    number: str


PHONE = Dialogue("phone", orders=(Dial, HangUp), events=(Ringing,))


class Host:
    """Both ends of a line in one process."""

    def __init__(self) -> None:
        orders, self._orders = os.pipe()
        self._events, events = os.pipe()
        self.line = Line(PHONE, orders, events, 2)

    def send(self, text: str) -> None:
        os.write(self._orders, text.encode())

    def end(self) -> None:
        os.close(self._orders)

    def received(self) -> list[Event]:
        return [
            PHONE.read_event(line) for line in os.read(self._events, 9999).decode().splitlines()
        ]


@pytest.fixture
def host() -> Iterator[Host]:
    yield Host()


def test_orders_come_whole_and_in_order(host: Host) -> None:
    assert host.line.hear(0) is None
    host.send(write(Dial("1")) + "\n" + write(Dial("2"))[:9])
    assert host.line.hear(0) == Dial("1")
    assert host.line.hear(0) is None
    host.send(write(Dial("2"))[9:] + "\n")
    assert host.line.hear() == Dial("2")
    assert not host.line.ended


def test_the_end_of_the_input_is_noticed_after_the_last_order(host: Host) -> None:
    host.send(write(Dial("1")) + "\n" + write(HangUp()) + "\n" + '{"message": "Di')
    host.end()
    assert host.line.hear() == Dial("1")
    assert not host.line.ended
    assert host.line.hear() == HangUp()
    assert host.line.hear() is None
    assert host.line.ended


def test_what_is_no_order_is_answered_and_dropped(host: Host) -> None:
    host.send('[1]\n{"message": "Dial", "numbers": 3}\n' + write(HangUp()) + "\n")
    assert host.line.hear() == HangUp()
    assert host.received() == [
        Failed("no order of phone: no message: '[1]'"),
        Failed("no order of phone: Dial has no numbers"),
    ]


def test_a_program_starts_with_its_first_order(host: Host) -> None:
    host.send(write(HangUp()) + "\n" + write(Dial("1")) + "\n")
    assert host.line.hear_first(Dial) == Dial("1")
    assert host.received() == [Failed("HangUp came before Dial")]
    host.end()
    assert host.line.hear_first(Dial) is None


def test_orders_after_the_last_are_refused(host: Host) -> None:
    host.send(write(HangUp()) + "\n")
    host.end()
    host.line.wait_for_end()
    assert host.received() == [Failed("HangUp is too late")]


def test_what_a_library_prints_does_not_get_among_the_events() -> None:
    program = (
        "from lab.wire.line import Line\n"
        "from lab.wire.messages import Dialogue, Failed\n"
        "line = Line(Dialogue('phone', (), ()))\n"
        "print('chatter', flush=True)\n"
        "line.say(Failed('busy'))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert [PHONE.read_event(line) for line in run.stdout.splitlines()] == [Failed("busy")]
    assert run.stderr == "chatter\n"
