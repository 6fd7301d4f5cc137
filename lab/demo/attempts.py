"""Tries to reach addresses straight from a node, again and again while something else goes on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.calls.observe.observer import Observer
from lab.engine.execution import start_program
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes

PATIENCE_S = 20.0
"""A round of tries, each of half a second at most, and the end of the program."""
ARRIVED = "sent"
"""What became of a try that nothing was in the way of."""

PROGRAM = """
import json, select, socket, sys
tried = []
while True:
    for address, port in json.loads(sys.argv[1]):
        for kind, protocol in ((socket.SOCK_STREAM, "TCP"), (socket.SOCK_DGRAM, "UDP")):
            with socket.socket(socket.AF_INET, kind) as one:
                one.settimeout(0.5)
                try:
                    one.connect((address, port))
                    if kind == socket.SOCK_DGRAM:
                        one.send(b"past Tor")
                    outcome = "sent"
                except OSError as error:
                    outcome = error.strerror or "no answer within half a second"
            tried.append([address, port, protocol, outcome])
    if select.select([sys.stdin], [], [], 1.0)[0]:
        break
print(json.dumps(tried))
"""
"""Python for a node: a round of tries a second until its input ends; then it tells of all."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a packet is to go."""

    what: str
    """In words."""
    address: IPv4Address
    port: int


@dataclass(frozen=True, slots=True)
class Try:
    """One try, and what became of it."""

    target: Target
    protocol: str
    """`TCP` or `UDP`."""
    outcome: str
    """`ARRIVED`, or why not, in the system's words."""

    @property
    def arrived(self) -> bool:
        """Whether nothing was in its way."""
        return self.outcome == ARRIVED


def try_once(lab: ReadyLab, node: str, targets: Sequence[Target]) -> tuple[Try, ...]:
    """One round of tries from a node; LabError where the program there fails."""
    process = _start(lab, node, targets)
    return _told(process, node, targets)


def trying(lab: ReadyLab, node: str, targets: Sequence[Target], tries: list[Try]) -> Observer:
    """Tries all through a call; what became of them is in `tries` when the call is over.

    Of a call that is made again it is what became of them the last time.
    """

    @contextmanager
    def observe(_notes: CallNotes) -> Iterator[None]:
        process = _start(lab, node, targets)
        try:
            yield
        except BaseException:
            _kill(process)
            raise
        tries[:] = _told(process, node, targets)

    return observe


def _start(lab: ReadyLab, node: str, targets: Sequence[Target]) -> subprocess.Popen[str]:
    where = [[str(target.address), target.port] for target in targets]
    return start_program(lab.running, node, PROGRAM, json.dumps(where))


def _told(process: subprocess.Popen[str], node: str, targets: Sequence[Target]) -> tuple[Try, ...]:
    """End the program's input, and read what it tells."""
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        _kill(process)
        raise LabError(f"the tries in {node} had not ended after {PATIENCE_S:.0f} s") from None
    except BaseException:
        _kill(process)
        raise
    if process.returncode:
        raise LabError(f"what was tried in {node} is not known: {err.strip()}")
    by_place = {(str(target.address), target.port): target for target in targets}
    return tuple(
        Try(by_place[address, port], protocol, outcome)
        for address, port, protocol, outcome in json.loads(out)
    )


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
