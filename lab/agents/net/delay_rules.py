"""Telling the delay line of this network namespace what its pipes are to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from zlib import crc32

from lab.agents.net.delay_line import EVERYWHERE, ask, fault_note, loss_ppm
from lab.wire.faults import LinkFault
from lab.wire.shape import Distribution, Shape, ShapingError

_QUANTILES = 1000
_PARETO_SHAPE = 3.0


@dataclass(frozen=True, slots=True)
class Profile:
    """What the packets of one call's voice met; see `lab.wire.links.SetProfile`."""

    at_us: Sequence[int]
    takes_us: Sequence[int | None]


def have_pipe(tap: str, device: str) -> None:
    """Have a pipe from `tap` to `device`, named after the first; one that is there stays."""
    _order(f"pipe {tap} {tap} {device}")


def set_way(tap: str, shape: Shape, profile: Profile | None = None) -> None:
    """Let the pipe of `tap` do what `shape` says of the way; `profile` is for voice."""
    _order("\n".join([f"set {tap}", *_rules(tap, shape, profile)]))


def set_fault(tap: str, fault: LinkFault) -> None:
    """Have the pipe of `tap` lose what `fault` says on top of its rules; nothing once it ended."""
    share = loss_ppm(fault.loss_pct) if fault.in_force else 0
    seed = crc32(f"{tap} {fault.began_at}".encode())
    _order(f"fault {tap} {share} {seed} {fault_note(fault)}")


def offsets_us(distribution: Distribution, jitter_us: int) -> list[int]:
    """Equally likely differences from the delay, whose standard deviation is the jitter."""
    steps = [(number + 0.5) / _QUANTILES for number in range(_QUANTILES)]
    match distribution:
        case Distribution.UNIFORM:
            values = [sqrt(12) * (step - 0.5) for step in steps]
        case Distribution.NORMAL:
            values = [NormalDist().inv_cdf(step) for step in steps]
        case Distribution.PARETO:
            a = _PARETO_SHAPE
            deviation = sqrt(a / (a - 2)) / (a - 1)
            values = [((1 - step) ** (-1 / a) - 1) / deviation for step in steps]
    return [round(value * jitter_us) for value in values]


def _rules(tap: str, shape: Shape, profile: Profile | None) -> list[str]:
    delays_ms = {EVERYWHERE: 0.0} | {way.to: way.delay_ms for way in shape.ways}
    jitter_us = round(1000 * shape.jitter_ms)
    note = f"{shape.distribution}:{jitter_us}"
    lines = []
    for to, more_ms in delays_ms.items():
        figures = (
            round(1000 * (shape.delay_ms + more_ms)),
            loss_ppm(shape.loss_pct),
            int(not shape.reorders),
            crc32(f"{tap} {to}".encode()),
            note,
        )
        lines.append(f"rule {to} {' '.join(map(str, figures))}")
        if jitter_us:
            lines.append(f"jitter {' '.join(map(str, offsets_us(shape.distribution, jitter_us)))}")
        if profile is not None:
            lines.append(f"profile {_profile(profile)}")
    return lines


def _profile(profile: Profile) -> str:
    pairs = zip(profile.at_us, profile.takes_us, strict=True)
    return " ".join(f"{at} {'-' if takes is None else takes}" for at, takes in pairs)


def _order(request: str) -> None:
    answer = ask(request).strip()
    if answer != "done":
        raise ShapingError(f"the delay line refuses: {answer.removeprefix('error ')}")
