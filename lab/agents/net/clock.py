"""Compares this host's clock with another's, and counts its processors.

Runs in the host's own network namespace, without any capability, for as long as its input
lasts. It answers one address alone, and only who knows the token of its order.
"""

from __future__ import annotations

import socket
import threading
import time
from ipaddress import IPv4Address
from pathlib import Path

from lab.wire.clock import (
    ANSWER,
    CLOCK,
    QUESTION,
    AnswerClock,
    Answering,
    AskClock,
    ClockTold,
    Exchange,
    HostRead,
    ReadHost,
)
from lab.wire.line import Line
from lab.wire.messages import Event, Failed, Order

PATIENCE_S = 0.3
"""How long an answer may take; one that takes longer says little of a clock."""
PAUSE_S = 0.005
_IDLE, _IOWAIT, _STEAL, _GUEST = 3, 4, 7, 8


class Answerer:
    """Answers questions until the process ends."""

    def __init__(self, order: AnswerClock) -> None:
        """OSError where its address is not this host's."""
        self._far, self._token = order.far, bytes.fromhex(order.token)
        self._socket = _bound(order.near)
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        """The UDP port at which it answers."""
        return int(self._socket.getsockname()[1])

    def _serve(self) -> None:
        while True:
            data, sender = self._socket.recvfrom(2048)
            came = time.time_ns()
            if IPv4Address(sender[0]) != self._far or len(data) != QUESTION.size:
                continue
            token, number, asked = QUESTION.unpack(data)
            if token == self._token:
                reply = ANSWER.pack(token, number, asked, came, time.time_ns())
                self._socket.sendto(reply, sender)


def ask(order: AskClock) -> tuple[Exchange, ...]:
    """The exchanges that were answered in time; OSError where nothing can be asked."""
    token = bytes.fromhex(order.token)
    exchanges = []
    with _bound(order.near) as asker:
        asker.connect((str(order.far), order.port))
        for number in range(order.count):
            asked = time.time_ns()
            asker.send(QUESTION.pack(token, number, asked))
            if exchange := _answered(asker, token, number, asked):
                exchanges.append(exchange)
            time.sleep(PAUSE_S)
    return tuple(exchanges)


def _answered(asker: socket.socket, token: bytes, number: int, asked: int) -> Exchange | None:
    """The answer to this question; None where it does not come in time."""
    deadline = time.monotonic() + PATIENCE_S
    while (remaining_s := deadline - time.monotonic()) > 0:
        asker.settimeout(remaining_s)
        try:
            data = asker.recv(2048)
        except (TimeoutError, ConnectionRefusedError):
            return None
        back = time.time_ns()
        if len(data) != ANSWER.size:
            continue
        told, which, sent, came, answered = ANSWER.unpack(data)
        if (told, which, sent) == (token, number, asked):
            return Exchange(asked, came, answered, back)
    return None


def _bound(near: IPv4Address) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        bound.bind((str(near), 0))
    except OSError:
        bound.close()
        raise
    return bound


def read_host() -> HostRead:
    """The `cpu` line of /proc/stat (proc(5)); guest time is part of user time there."""
    first = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0]
    ticks = [int(count) for count in first.split()[1:]]
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return HostRead(sum(ticks[:_GUEST]), ticks[_IDLE] + ticks[_IOWAIT], ticks[_STEAL], boot_id)


def answer(order: Order) -> Event:
    """Obey one order; OSError where the network refuses."""
    if isinstance(order, AnswerClock):
        return Answering(Answerer(order).port)
    if isinstance(order, AskClock):
        return ClockTold(ask(order))
    assert isinstance(order, ReadHost)
    return read_host()


def main() -> None:
    """Answer orders until the input ends."""
    line = Line(CLOCK)
    while (order := line.hear()) is not None:
        try:
            line.say(answer(order))
        except OSError as error:
            line.say(Failed(f"the network of the host refuses: {error.strerror or error}"))


if __name__ == "__main__":
    main()
