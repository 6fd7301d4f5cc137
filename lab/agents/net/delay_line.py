"""Speaking to the delay line of this network namespace: `images/delay-line/delay_line.c`."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from ipaddress import IPv4Network

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
        head, late, *rules = block.splitlines()
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
        found[name] = PipeInForce(_shape_of([rule.split() for rule in rules]), counts)
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
