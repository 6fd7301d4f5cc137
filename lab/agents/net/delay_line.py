"""Speaking to the delay line of this network namespace: `images/delay-line/delay_line.c`."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from ipaddress import IPv4Network

from lab.wire.faults import LinkFault
from lab.wire.links import DelayCounts
from lab.wire.shape import Distribution, Shape, ShapingError, Way

SOCKET = "\0voice-tor-lab-delay-line"
TIMEOUT_S = 2.0
_RETRY_S = 0.05
EVERYWHERE = IPv4Network("0.0.0.0/0")


class NoDelayLineError(ShapingError):
    """No delay line answers beside this machine."""


@dataclass(frozen=True, slots=True)
class PipeInForce:
    """What one pipe does and did."""

    way: Shape
    """Without a cap: that stands in front of the pipe."""
    counts: DelayCounts
    fault: LinkFault | None = None
    """The one in force, or the last there was."""


def await_line(patience_s: float) -> None:
    """Return when a delay line answers; NoDelayLineError where none does for so long."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            ask("show")
        except NoDelayLineError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_S)
        else:
            return


def pipes() -> dict[str, PipeInForce]:
    """Every pipe, by its tap; NoDelayLineError where no delay line answers."""
    found: dict[str, PipeInForce] = {}
    blocks = ask("show").split("pipe ")[1:]
    for block in blocks:
        head, late, *rest = block.splitlines()
        rules = [line for line in rest if line.startswith("rule ")]
        name, *figures = head.split()
        values = dict(zip(figures[::2], map(int, figures[1::2]), strict=True))
        bins = late.split()
        counts = DelayCounts(
            sent=values["sent"],
            lost=values["lost"],
            refused=values["refused"],
            on_the_way=values["waiting"],
            late_max_us=values["late_max_us"],
            bin_us=int(bins[1]),
            late={step: int(count) for step, _, count in (b.partition(":") for b in bins[2:])},
        )
        faults = [_fault_of(line.split()) for line in rest if line.startswith("fault ")]
        shape = _shape_of([rule.split() for rule in rules])
        found[name] = PipeInForce(shape, counts, *faults)
    return found


def pipe(tap: str) -> PipeInForce:
    """The pipe of that tap; ShapingError where none answers, or one that was started anew."""
    found = pipes().get(tap)
    if found is None:
        raise ShapingError(f"the delay line beside this machine has lost {tap}: it began anew")
    return found


def _shape_of(rules: list[list[str]]) -> Shape:
    """What rules say, read back."""
    everywhere, ways = Shape(), []
    for _, to, delay_us, loss_ppm, ordered, note, *_ in rules:
        distribution, _, jitter_us = note.partition(":")
        if IPv4Network(to) == EVERYWHERE:
            everywhere = Shape(
                delay_ms=int(delay_us) / 1000,
                jitter_ms=int(jitter_us) / 1000,
                distribution=Distribution(distribution),
                loss_pct=int(loss_ppm) / 10_000,
                reorders=ordered == "0",
            )
        else:
            ways.append((IPv4Network(to), int(delay_us) / 1000))
    return Shape(
        delay_ms=everywhere.delay_ms,
        jitter_ms=everywhere.jitter_ms,
        distribution=everywhere.distribution,
        loss_pct=everywhere.loss_pct,
        reorders=everywhere.reorders,
        ways=tuple(Way(to, round(ms - everywhere.delay_ms, 3)) for to, ms in ways),
    )


def fault_note(fault: LinkFault) -> str:
    """What a delay line is to remember of a fault: all but what it counts itself."""
    times = (_to_us(at) for at in (fault.began_at, fault.until, fault.ended_at))
    return ":".join([str(loss_ppm(fault.loss_pct)), *map(str, times), fault.of])


def loss_ppm(percent: float) -> int:
    """A share as delay lines take it."""
    return round(10_000 * percent)


def _fault_of(words: list[str]) -> LinkFault:
    """A fault, read back."""
    _, _, lost, note = words
    ppm, began, until, ended, of = note.split(":", 4)
    return LinkFault(
        loss_pct=int(ppm) / 10_000,
        began_at=int(began) / 1e6,
        of=of,
        until=_from_us(until),
        ended_at=_from_us(ended),
        lost=int(lost),
    )


def _to_us(at: float | None) -> int:
    return 0 if at is None else round(at * 1e6)


def _from_us(text: str) -> float | None:
    return int(text) / 1e6 if int(text) else None


def ask(request: str) -> str:
    """The answer to a request; NoDelayLineError where none comes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(TIMEOUT_S)
        try:
            line.connect(SOCKET)
            line.sendall(request.encode())
            line.shutdown(socket.SHUT_WR)
            parts = []
            while part := line.recv(65536):
                parts.append(part)
        except OSError as error:
            raise NoDelayLineError(
                f"no delay line answers beside this machine ({error.strerror or error})"
            ) from error
    return b"".join(parts).decode()
