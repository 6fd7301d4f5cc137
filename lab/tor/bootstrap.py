"""Is the private Tor network there? Verified stage by stage, each with its own condition."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.errors import LabError
from lab.tor.channel import Channel
from lab.tor.conditions import conditions
from lab.wire.circuits import CrossRelays, ReadStatus, RelaysCrossed, TorStatus

DEADLINE_S = 45.0
DEADLINE_PER_RELAY_S = 2.0
CIRCUITS_DEADLINE_S = 75.0
"""A relay that could not connect to another one does not try again for 60 s
(OR_CONNECT_FAILURE_LIFETIME in tor's connection_or.c), so one that was away needs longer."""
DONE_DEADLINE_S = 10.0
DONE_PCT = 100
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
    bridges: Sequence[str] = (),
    on_stage: Callable[[Stage], None] = lambda _: None,
    watch: Callable[[], None] = lambda: None,
    deadline_s: float | None = None,
    circuits_deadline_s: float = CIRCUITS_DEADLINE_S,
) -> Bootstrap:
    """Follow the network from its start until circuits through every relay were built.

    `relays` are the names of all of them, `bridges` those by which the client enters; `started_at`
    is time.monotonic() at the start, while the deadline counts from now; the circuits have
    `circuits_deadline_s` for themselves.
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
    for condition in conditions(bridges):
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
    refuse_listed(status, bridges)
    order = CrossRelays(tuple(relays), tuple(bridges))
    circuits = _cross_every_relay(channel, order, time.monotonic() + circuits_deadline_s, watch)
    reached("circuits")
    if bridges:
        await_done(channel, time.monotonic() + DONE_DEADLINE_S, watch)
        reached("done")
    return Bootstrap(stages=tuple(stages), version=version, circuits=circuits)


def _cross_every_relay(
    channel: Channel, order: CrossRelays, deadline: float, watch: Callable[[], None]
) -> tuple[tuple[str, ...], ...]:
    """Have circuits built through every relay, again and again until they all are."""
    while True:
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


def refuse_listed(status: TorStatus, bridges: Sequence[str]) -> None:
    """BootstrapError where the client's consensus lists one of its bridges."""
    listed = tuple(name for name in bridges if status.client and name in status.client.consensus)
    if listed:
        raise BootstrapError(
            f"{' and '.join(listed)} cannot be a bridge: the consensus lists it as a relay",
            "A bridge tells no authority of itself; `lab logs` of the node says what it did.",
            listed,
        )


def await_done(channel: Channel, deadline: float, watch: Callable[[], None]) -> None:
    """Wait for the client's own word that it has bootstrapped, which follows its first circuit."""
    while True:
        client = channel.ask(ReadStatus(), TorStatus, ANSWER_TIMEOUT_S).client
        if client is not None and f"PROGRESS={DONE_PCT} " in f"{client.bootstrap} ":
            return
        if time.monotonic() > deadline:
            said = client.bootstrap if client else "it does not run"
            raise BootstrapError(
                f"the client has not bootstrapped by its bridges: {said}",
                "`lab logs NODE` shows what it says.",
            )
        watch()
        time.sleep(POLL_S)
