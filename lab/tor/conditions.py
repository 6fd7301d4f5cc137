"""What the client must have seen of the private Tor network, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lab.topology.mistakes import some
from lab.wire.circuits import TorStatus

Missing = tuple[str, ...] | None
"""None once a stage is reached; else the names of the nodes it lacks, as far as known."""


@dataclass(frozen=True, slots=True)
class Condition:
    """When a stage is reached, and what to say as long as it is not."""

    stage: str
    nothing_yet: str
    some_missing: str
    missing: Callable[[TorStatus, Sequence[str]], Missing]
    """Of an agent's status and the relays."""

    def complaint(self, missing: tuple[str, ...]) -> str:
        """What is lacking, as the end of a sentence."""
        return f"{self.some_missing} {some(missing)}" if missing else self.nothing_yet


def conditions(bridges: Sequence[str]) -> tuple[Condition, ...]:
    """The stages in their order, of a client that enters by these bridges, or by relays."""
    return (*(_by_bridges(bridges) if bridges else _BY_RELAYS), *_DIRECTORY)


def _by_bridges(bridges: Sequence[str]) -> tuple[Condition, ...]:
    def described(status: TorStatus, _: Sequence[str]) -> Missing:
        return _lacking(status.client.bridges, bridges) if status.client else ()

    return (
        Condition(
            "client",
            "the client does not run yet; it waits until its bridges take clients",
            "the client runs, but not its own",
            _running,
        ),
        Condition(
            "bridges",
            "the client does not run any more",
            "the client has no descriptor of its bridge",
            described,
        ),
    )


def _running(status: TorStatus, _: Sequence[str]) -> Missing:
    if status.client is None:
        return ()
    return status.client.lost or None


def _answering(status: TorStatus, _: Sequence[str]) -> Missing:
    return None if status.client or status.known is not None else ()


def _known(status: TorStatus, relays: Sequence[str]) -> Missing:
    # The client is only started once the authority knows them all.
    return None if status.client else _lacking(status.known, relays)


def _agreed(status: TorStatus, relays: Sequence[str]) -> Missing:
    return _lacking(status.client.consensus, relays) if status.client else ()


def _described(status: TorStatus, relays: Sequence[str]) -> Missing:
    return _lacking(status.client.descriptors, relays) if status.client else ()


def _lacking(present: Iterable[str] | None, relays: Sequence[str]) -> Missing:
    seen = set(present or ())
    return tuple(relay for relay in relays if relay not in seen) or None


_NO_AUTHORITY = "the directory authority does not answer yet"
_BY_RELAYS = (
    Condition("authority", _NO_AUTHORITY, _NO_AUTHORITY, _answering),
    Condition("relays", _NO_AUTHORITY, "the directory authority has not heard of", _known),
)
_DIRECTORY = (
    Condition(
        "consensus",
        "no consensus was seen at the client yet",
        "the client's consensus lacks",
        _agreed,
    ),
    Condition(
        "descriptors",
        "no descriptors were seen at the client yet",
        "the client has no descriptor of",
        _described,
    ),
)
