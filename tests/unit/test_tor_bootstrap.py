"""The network is up when it was seen to be, stage by stage; else an error names what lacks."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from lab.errors import LabError
from lab.tor.bootstrap import Bootstrap, BootstrapError, Stage, verify_bootstrap
from lab.wire.circuits import ClientStatus, CrossRelays, RelaysCrossed, TorStatus, TriedCircuit
from lab.wire.messages import Event, Order

EventT = TypeVar("EventT", bound=Event)

A, B = RELAYS = ("authority", "relay1")
SILENT = TorStatus(known=None, client=None)
CLIENT = ClientStatus(
    version="0.4.9.11",
    bootstrap="NOTICE BOOTSTRAP PROGRESS=100",
    consensus_valid_after=None,
    consensus=RELAYS,
    descriptors=RELAYS,
)
READY = TorStatus(known=None, client=CLIENT)


def knowing(*relays: str) -> TorStatus:
    return TorStatus(known=relays, client=None)


def lacking(**known: tuple[str, ...]) -> TorStatus:
    return TorStatus(known=None, client=replace(CLIENT, **known))  # type: ignore[arg-type]


class Script:
    """A channel that gives prepared statuses; the last one for ever."""

    def __init__(self, statuses: Iterable[TorStatus], failures: int = 0) -> None:
        self._statuses = list(statuses)
        self._failures = failures
        self.crossed: tuple[str, ...] = ()

    def ask(self, order: Order, kind: type[EventT], timeout_s: float) -> EventT:
        answer = self._answer(order)
        assert isinstance(answer, kind)
        return answer

    def _answer(self, order: Order) -> Event:
        if isinstance(order, CrossRelays):
            self.crossed = order.relays
            self._failures -= 1
            if self._failures >= 0:
                return RelaysCrossed((TriedCircuit((B, A), None, "TIMEOUT"),))
            return RelaysCrossed((TriedCircuit((B, A), 12.5),))
        return self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]


def verify(statuses: Iterable[TorStatus], deadline_s: float = 5, **more: Any) -> Bootstrap:
    return verify_bootstrap(
        Script(statuses), RELAYS, started_at=time.monotonic(), deadline_s=deadline_s, **more
    )


def test_stages_are_reported_in_order_and_as_they_happen() -> None:
    seen: list[Stage] = []
    verified = verify(
        [SILENT, knowing(), knowing(A), knowing(A, B), lacking(consensus=(A,)), READY],
        on_stage=seen.append,
    )
    assert [stage.name for stage in seen] == [
        "authority",
        "relays",
        "consensus",
        "descriptors",
        "circuits",
    ]
    assert verified.stages == tuple(seen)
    assert verified.circuits == (("relay1", "authority"),)
    assert verified.version == "0.4.9.11"


def test_circuits_are_asked_for_through_every_relay() -> None:
    script = Script([READY])
    verify_bootstrap(script, RELAYS, started_at=time.monotonic())
    assert script.crossed == RELAYS


def test_a_circuit_that_fails_once_is_built_again() -> None:
    script = Script([READY], failures=1)
    verified = verify_bootstrap(script, RELAYS, started_at=time.monotonic(), deadline_s=5)
    assert verified.circuits == (("relay1", "authority"),)


def test_a_circuit_that_cannot_be_built_is_an_error_with_its_path() -> None:
    script = Script([READY], failures=99)
    with pytest.raises(BootstrapError, match="no circuit over relay1-authority: TIMEOUT") as error:
        verify_bootstrap(script, RELAYS, started_at=time.monotonic(), circuits_deadline_s=0)
    assert error.value.missing == ("relay1", "authority")


def test_a_network_that_is_up_already_is_verified_at_once() -> None:
    started = time.monotonic()
    verify([READY])
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("status", "complaint", "missing"),
    [
        (SILENT, "the directory authority does not answer yet", ()),
        (knowing(A), "the directory authority has not heard of relay1", ("relay1",)),
        (knowing(A, B), "no consensus was seen at the client yet", ()),
        (lacking(consensus=(B,)), "the client's consensus lacks authority", ("authority",)),
        (lacking(descriptors=(A,)), "the client has no descriptor of relay1", ("relay1",)),
    ],
)
def test_the_error_says_what_was_awaited_and_who_is_missing(
    status: TorStatus, complaint: str, missing: tuple[str, ...]
) -> None:
    with pytest.raises(BootstrapError, match=f"not up after 0 s: {complaint}") as error:
        verify([status], deadline_s=0)
    assert error.value.missing == missing


def test_whoever_watches_can_say_it_sooner() -> None:
    def dead() -> None:
        raise LabError("relay1 has died")

    with pytest.raises(LabError, match="relay1 has died"):
        verify([knowing(A)], deadline_s=30, watch=dead)
