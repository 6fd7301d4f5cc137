"""Faults as they are written: `5s down caller home for 2s; 12s loss server hosting 20% for 3s`.

First when, counted from the moment at which the voice of the call begins; then the command of
`lab fault` with its words; then for how long, if not to the end of the call.
"""

from __future__ import annotations

from lab.faults.fault import Fault
from lab.faults.kind import FaultKind
from lab.faults.kinds import FAULT_KINDS
from lab.topology.mistakes import did_you_mean
from lab.topology.units import parse_moment_s, parse_percent

BETWEEN = ";"
FOR = "for"
MOST = 20
"""Faults of one call."""


def parse_faults(text: str) -> tuple[Fault, ...]:
    """The faults of a call in the order in which they begin; ValueError says what is wrong."""
    parts = [part for part in text.split(BETWEEN) if part.strip()]
    if not parts:
        raise ValueError("names no fault; write one such as 5s down caller home for 2s")
    if len(parts) > MOST:
        raise ValueError(f"has {len(parts)} faults; at most {MOST} may be")
    found = tuple(sorted(map(_fault, parts), key=lambda fault: (fault.at_s or 0.0, str(fault))))
    _check_apart(found)
    return found


def format_faults(faults: tuple[Fault, ...]) -> str:
    """The one way in which they are written."""
    return f"{BETWEEN} ".join(map(str, faults))


def words_of(kind: FaultKind) -> str:
    """How a kind is written, without its times: `loss NODE NETWORK SHARE`."""
    words = ["NODE", *(["NETWORK"] if kind.on_link else []), *(["SHARE"] if kind.has_share else [])]
    return " ".join([kind.name, *words])


def share_of(text: str) -> float:
    """Of packets, more than none and less than all; ValueError says what is wrong."""
    percent = parse_percent(text)
    if not 0 < percent < 100:
        raise ValueError("must be more than 0% and less than 100%, which `down` is")
    return percent


def _fault(text: str) -> Fault:
    words = text.split()
    for_s: float | None = None
    if FOR in words[:-1]:
        at = words.index(FOR)
        words, lasts = words[:at], words[at + 1 :]
        if len(lasts) != 1:
            raise ValueError(f"has more than a time after {FOR}: {text.strip()!r}")
        for_s = _time(lasts[0])
        if not for_s:
            raise ValueError("has a fault that lasts no time")
    if len(words) < 2:
        raise ValueError(f"has no fault in {text.strip()!r}: write when, what and where")
    at_s, name, places = _time(words[0]), words[1], words[2:]
    if name not in FAULT_KINDS:
        known = list(FAULT_KINDS.all)
        told = f"{', '.join(known)}{did_you_mean(name, known)}"
        raise ValueError(f"has {name!r}, which is none of {told}")
    kind = FAULT_KINDS.named(name)
    wanted = words_of(kind).split()[1:]
    if len(places) != len(wanted):
        raise ValueError(f"needs {words_of(kind)}, and has {' '.join(words[1:])!r}")
    said = dict(zip(wanted, places, strict=True))
    try:
        share = share_of(said["SHARE"]) if kind.has_share else None
    except ValueError as error:
        raise ValueError(f"has {said['SHARE']!r}, which {error}") from None
    return Fault(name, said["NODE"], said.get("NETWORK"), share, at_s, for_s)


def _time(word: str) -> float:
    try:
        return parse_moment_s(word)
    except ValueError as error:
        raise ValueError(f"has {word!r}, which {error}") from None


def _check_apart(faults: tuple[Fault, ...]) -> None:
    """ValueError where one thing is to have two faults at a time."""
    over: dict[str, tuple[Fault, float]] = {}
    for fault in faults:
        at_s = fault.at_s or 0.0
        if fault.place in over:
            before, until_s = over[fault.place]
            if at_s < until_s:
                raise ValueError(f"has {fault} while {before} goes on")
        over[fault.place] = fault, float("inf") if fault.for_s is None else at_s + fault.for_s
