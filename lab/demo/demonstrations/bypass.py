"""Why a call cannot leak: the caller's machine tries to go past Tor, and has no way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path

from lab.calls.methods import METHODS
from lab.calls.paths.mumble import murmur_of
from lab.demo.attempts import Target, Try, try_once, trying
from lab.demo.demonstration import Closing, Demonstration, NotShownError, Question, Shown
from lab.demo.figures import Bar, draw_bars
from lab.demo.stage import Stage
from lab.measure.call.notes import CallNotes, read_notes
from lab.measure.call.traffic import HOME_POINT, packets_between, strayed_faults
from lab.measure.capture import Capture, read_capture
from lab.measure.record import CallRecord
from lab.report.pages import Table
from lab.wire.ports import MUMBLE_PORT

OUTSIDE = IPv4Address("192.0.2.1")
"""An address of the world outside that stands in documents only (RFC 5737)."""
SERVER, WORLD = "the server, past Tor", "the world outside the lab"

PREDICTION = Question(
    "During a call through Tor a program on the caller's machine sends packets straight to the "
    "server, past Tor. What becomes of them?",
    (
        "They arrive, and nobody notices.",
        "They arrive, and the call is marked as not valid.",
        "They never leave the machine: it has no way for them.",
    ),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the capture on the caller's own link holds of a call."""

    through_tor: int
    """Packets to and from the relay by which it enters, both ways."""
    past_tor: int
    """Packets to and from the server's machine."""


def show(stage: Stage) -> Shown:
    """Try before a call through Tor, during it, and after; then count a direct call's packets."""
    lab = stage.lab
    caller = lab.caller.name
    targets = (
        Target(SERVER, murmur_of(lab), MUMBLE_PORT),
        Target(WORLD, OUTSIDE, MUMBLE_PORT),
    )
    with stage.busy("trying while nobody calls"):
        before = try_once(lab, caller, targets)
    stage.person.tell(f"While nobody calls: {_told(before)}.")
    tries: list[Try] = []
    record = stage.attempt(
        "a call through Tor", "m-tor", observers=[trying(lab, caller, targets, tries)]
    )
    notes = _otherwise_valid(record)
    stage.person.tell(f"During the call: {_told(tries)}.")
    with stage.busy("trying when the call is over"):
        after = try_once(lab, caller, targets)
    direct = stage.call("a direct call, to compare", "mumble")
    closed, control = notes.arrived.closed, _notes(direct)
    control.path = replace(control.arrived, closed=closed)
    return _shown(
        record,
        direct,
        {"before the call": before, "during the call": tuple(tries), "after the call": after},
        seen_in(_capture(record, notes), notes, closed),
        seen_in(_capture(direct, control), control, closed),
        strayed_faults(control, _directory(direct)),
    )


def _otherwise_valid(record: CallRecord) -> CallNotes:
    """What is known of the call; NotShownError where it is not valid but for packets past Tor."""
    if record.status != "ok":
        raise NotShownError(f"the call through Tor failed: {record.reason}")
    notes = _notes(record)
    past_tor = strayed_faults(notes, _directory(record))
    if others := [reason for reason in record.invalid_reasons if reason not in past_tor]:
        raise NotShownError(f"the call through Tor is not valid: {'; '.join(others)}")
    return notes


def seen_in(capture: Capture, notes: CallNotes, server: Sequence[IPv4Address]) -> Seen:
    """What a capture on the caller's own link holds, `server` being all addresses of that one."""
    path = notes.arrived
    home = path.caller.home
    return Seen(
        packets_between(capture, home, [path.hops[0].address]) if path.circuit else 0,
        packets_between(capture, home, server),
    )


def came_of(tries: Sequence[Try], seen: Seen, valid: bool) -> int | None:
    """Which prediction the tries to the server bear out; None where they bear out none."""
    to_server = [each for each in tries if each.target.what == SERVER]
    if not to_server:
        return None
    if not any(each.arrived for each in to_server) and not seen.past_tor:
        return 2
    return 0 if valid else 1


def _shown(
    record: CallRecord,
    direct: CallRecord,
    rounds: dict[str, tuple[Try, ...]],
    seen: Seen,
    seen_direct: Seen,
    faults: Sequence[str],
) -> Shown:
    during = rounds["during the call"]
    failed = Counter(each.outcome for each in during if not each.arrived)
    said = ", ".join(f"{outcome!r} {count} times" for outcome, count in failed.items())
    tried = sum(each.target.what == SERVER for each in during)
    arrived = sum(each.target.what == SERVER and each.arrived for each in during)
    return Shown(
        came=came_of(during, seen, record.valid),
        findings=(
            f"During the call {tried} packets were sent straight to the server; {arrived} had a "
            f"way. The caller's machine said {said or 'nothing'}.",
            f"The capture on the caller's own link holds {seen.through_tor} packets to and from "
            f"the first relay, {(record.circuit or '?').split()[0]}, and {seen.past_tor} to and "
            "from the server.",
            f"The same count over the direct call's capture finds {seen_direct.past_tor}: it would "
            "have seen them.",
            f"By the rule for calls through Tor the direct call would be told so: "
            f"{'; '.join(faults) or 'nothing'}.",
        ),
        why=(
            "The caller needs a route to the server for direct calls. For the time of a call "
            "through Tor a helper makes the server's addresses unreachable there, before the "
            "circuit is built and until it is closed: the kernel refuses every packet.",
            "To the world outside there is no route at any time: the lab's networks have no way "
            "out.",
            "A lock that nobody tries proves little. So each call's own capture is looked through, "
            "and one packet past Tor makes the call invalid.",
        ),
        closing=_closing(faults),
        tables=(
            Table(
                "Straight from the caller's machine",
                ("to", "by", *rounds),
                tuple(_rows(rounds)),
                2,
            ),
        ),
        drawings=(
            draw_bars(
                "bypass",
                "Packets on the caller's own link during either call, both ways.",
                "packets",
                [
                    Bar(
                        "call through Tor:\nfirst relay", (seen.through_tor,), str(seen.through_tor)
                    ),
                    Bar("call through Tor:\nserver", (seen.past_tor,), str(seen.past_tor)),
                    Bar("direct call:\nserver", (seen_direct.past_tor,), str(seen_direct.past_tor)),
                ],
            ),
        ),
    )


def _closing(faults: Sequence[str]) -> Closing:
    return Closing(
        Question(
            "A later version of some program finds a way past Tor, and one packet slips through. "
            "What does this lab do with that call?",
            (
                "It keeps it, says why it is not valid, and never averages it in.",
                "It averages it in: one packet in a thousand does no harm.",
                "Nothing: no packet is looked at once the way is closed.",
            ),
        ),
        0 if faults else 2,
        lesson=0,
    )


def _rows(rounds: dict[str, tuple[Try, ...]]) -> list[tuple[str, ...]]:
    kinds = dict.fromkeys(
        (each.target, each.protocol) for tries in rounds.values() for each in tries
    )
    return [
        (
            target.what,
            protocol,
            *(
                ", ".join(
                    f"{outcome} ({count})"
                    for outcome, count in Counter(
                        each.outcome
                        for each in tries
                        if (each.target, each.protocol) == (target, protocol)
                    ).items()
                )
                for tries in rounds.values()
            ),
        )
        for target, protocol in kinds
    ]


def _told(tries: Sequence[Try]) -> str:
    """How many tries had a way, by where they went."""
    by_target = dict.fromkeys(each.target.what for each in tries)
    parts = []
    for what in by_target:
        own = [each for each in tries if each.target.what == what]
        parts.append(f"to {what} {sum(each.arrived for each in own)} of {len(own)} tries had a way")
    return ", ".join(parts) or "nothing was tried"


def _directory(record: CallRecord) -> Path:
    return Path(record.artefacts or "")


def _notes(record: CallRecord) -> CallNotes:
    return read_notes(_directory(record))


def _capture(record: CallRecord, notes: CallNotes) -> Capture:
    point = notes.point(HOME_POINT)
    assert point
    return read_capture(_directory(record) / point.file)


DEMONSTRATION = Demonstration(
    name="bypass",
    title="Why can a call not leak past Tor?",
    position=40,
    topology="paper",
    needs=METHODS.named("m-tor").needs,
    scene=(
        "A call by Mumble through Tor. All through it a program on the caller's own machine tries, "
        "once a second, to send straight to the server and to the world outside."
    ),
    prediction=PREDICTION,
    expected=2,
    show=show,
)
