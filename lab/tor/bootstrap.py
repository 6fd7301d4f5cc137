"""Is the private Tor network there? Verified stage by stage, each with its own condition."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lab.errors import LabError
from lab.tor.channel import Channel
from lab.wire.circuits import CrossRelays, ReadStatus, RelaysCrossed, TorStatus

DEADLINE_S = 45.0
DEADLINE_PER_RELAY_S = 2.0
CIRCUITS_DEADLINE_S = 75.0
"""A relay that could not connect to another one does not try again for 60 s
(OR_CONNECT_FAILURE_LIFETIME in tor's connection_or.c), so one that was away needs longer."""
POLL_S = 0.1
WATCH_EVERY_S = 1.0
ANSWER_TIMEOUT_S = 10.0
VERIFY_TIMEOUT_S = 30.0


class BootstrapError(LabError):
    """The Tor network did not come up in time; `missing` names the nodes at fault, if known."""

    def __init__(self, message: str, hint: str, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the bootstrap that is done."""

    name: str
    after_s: float
    """Seconds from the start of the lab's Tor to the first sight of it."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A Tor network that was verified."""

    stages: tuple[Stage, ...]
    version: str
    """The client's tor version."""
    circuits: tuple[tuple[str, ...], ...]
    """The paths, node names, of the circuits that were built to cross every relay."""


def verify_bootstrap(
    channel: Channel,
    relays: Sequence[str],
    *,
    started_at: float,
    on_stage: Callable[[Stage], None] = lambda _: None,
    watch: Callable[[], None] = lambda: None,
    deadline_s: float | None = None,
    circuits_deadline_s: float = CIRCUITS_DEADLINE_S,
) -> Bootstrap:
    """Follow the network from its start until circuits through every relay were built.

    `relays` are the names of all of them; `started_at` is time.monotonic() at the start,
    while the deadline counts from now; the circuits have `circuits_deadline_s` for themselves.
    `watch` is called every second of waiting and may raise what it knows better, for instance
    that a relay's container has died.
    BootstrapError says what was awaited, and which relays it lacked.
    """
    if deadline_s is None:
        deadline_s = DEADLINE_S + DEADLINE_PER_RELAY_S * len(relays)
    deadline = time.monotonic() + deadline_s
    stages: list[Stage] = []

    def reached(name: str) -> None:
        stages.append(Stage(name, round(time.monotonic() - started_at, 2)))
        on_stage(stages[-1])

    version = ""
    next_watch = time.monotonic() + WATCH_EVERY_S
    for condition in _CONDITIONS:
        while True:
            status = channel.ask(ReadStatus(), TorStatus, ANSWER_TIMEOUT_S)
            missing = condition.missing(status, relays)
            if missing is None:
                break
            if time.monotonic() > deadline:
                raise BootstrapError(
                    f"the Tor network is not up after {deadline_s:.0f} s: "
                    f"{condition.complaint(missing)}",
                    "`lab logs NODE` shows what a node says.",
                    missing,
                )
            if time.monotonic() > next_watch:
                watch()
                next_watch = time.monotonic() + WATCH_EVERY_S
            time.sleep(POLL_S)
        version = status.client.version if status.client else version
        reached(condition.stage)
    circuits = _cross_every_relay(channel, relays, time.monotonic() + circuits_deadline_s, watch)
    reached("circuits")
    return Bootstrap(stages=tuple(stages), version=version, circuits=circuits)


def _cross_every_relay(
    channel: Channel, relays: Sequence[str], deadline: float, watch: Callable[[], None]
) -> tuple[tuple[str, ...], ...]:
    """Have circuits built through every relay, again and again until they all are."""
    while True:
        order = CrossRelays(tuple(relays))
        tried = channel.ask(order, RelaysCrossed, VERIFY_TIMEOUT_S).circuits
        failed = next((circuit for circuit in tried if circuit.error is not None), None)
        if failed is None:
            return tuple(circuit.path for circuit in tried)
        if time.monotonic() > deadline:
            raise BootstrapError(
                f"no circuit over {'-'.join(failed.path)}: {failed.error}",
                "`lab logs NODE` shows what each of these relays says.",
                failed.path,
            )
        watch()
        time.sleep(POLL_S)


_Missing = tuple[str, ...] | None
"""None once a stage is reached; else the names of the relays it lacks, as far as known."""


@dataclass(frozen=True, slots=True)
class _Condition:
    stage: str
    nothing_yet: str
    some_missing: str
    missing: Callable[[TorStatus, Sequence[str]], _Missing]
    """Of an agent's status and the relays."""

    def complaint(self, missing: tuple[str, ...]) -> str:
        return f"{self.some_missing} {', '.join(missing)}" if missing else self.nothing_yet


def _answering(status: TorStatus, _: Sequence[str]) -> _Missing:
    return None if status.client or status.known is not None else ()


def _known(status: TorStatus, relays: Sequence[str]) -> _Missing:
    # The client is only started once the authority knows them all.
    return None if status.client else _lacking(status.known, relays)


def _agreed(status: TorStatus, relays: Sequence[str]) -> _Missing:
    return _lacking(status.client.consensus, relays) if status.client else ()


def _described(status: TorStatus, relays: Sequence[str]) -> _Missing:
    return _lacking(status.client.descriptors, relays) if status.client else ()


def _lacking(present: Iterable[str] | None, relays: Sequence[str]) -> _Missing:
    seen = set(present or ())
    return tuple(relay for relay in relays if relay not in seen) or None


_NO_AUTHORITY = "the directory authority does not answer yet"
_CONDITIONS = (
    _Condition("authority", _NO_AUTHORITY, _NO_AUTHORITY, _answering),
    _Condition("relays", _NO_AUTHORITY, "the directory authority has not heard of", _known),
    _Condition(
        "consensus",
        "no consensus was seen at the client yet",
        "the client's consensus lacks",
        _agreed,
    ),
    _Condition(
        "descriptors",
        "no descriptors were seen at the client yet",
        "the client has no descriptor of",
        _described,
    ),
)
