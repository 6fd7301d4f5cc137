"""The network is up when it was seen to be, stage by stage; else an error names what lacks."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import pytest

from lab.errors import LabError
from lab.tor.bootstrap import Bootstrap, BootstrapError, Stage, verify_bootstrap

RELAYS = {"authority": "A" * 40, "relay1": "B" * 40}
A, B = RELAYS.values()
SILENT: dict[str, Any] = {"client": False, "known": None}
READY: dict[str, Any] = {
    "client": True,
    "known": None,
    "version": "0.4.9.11",
    "consensus": [A, B],
    "descriptors": [A, B],
}


def knowing(*relays: str) -> dict[str, Any]:
    return {"client": False, "known": list(relays)}


class Script:
    """A channel that gives prepared statuses; the last one for ever."""

    def __init__(self, statuses: Iterable[dict[str, Any]], failures: int = 0) -> None:
        self._statuses = list(statuses)
        self._failures = failures
        self.verified: list[str] = []

    def ask(self, order: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        if order["op"] == "verify":
            self.verified = order["relays"]
            self._failures -= 1
            if self._failures >= 0:
                return {"circuits": [{"path": [B, A], "error": "TIMEOUT"}]}
            return {"circuits": [{"path": [B, A], "build_ms": 12.5}]}
        return self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]


def verify(statuses: Iterable[dict[str, Any]], deadline_s: float = 5, **more: Any) -> Bootstrap:
    return verify_bootstrap(
        Script(statuses), RELAYS, started_at=time.monotonic(), deadline_s=deadline_s, **more
    )


def test_stages_are_reported_in_order_and_as_they_happen() -> None:
    seen: list[Stage] = []
    verified = verify(
        [SILENT, knowing(), knowing(A), knowing(A, B), READY | {"consensus": [A]}, READY],
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
    assert script.verified == [A, B]


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
        (knowing(A, B), "the client has no consensus yet", ()),
        (READY | {"consensus": [B]}, "the client's consensus lacks authority", ("authority",)),
        (READY | {"descriptors": [A]}, "the client has no descriptor of relay1", ("relay1",)),
    ],
)
def test_the_error_says_what_was_awaited_and_who_is_missing(
    status: dict[str, Any], complaint: str, missing: tuple[str, ...]
) -> None:
    with pytest.raises(BootstrapError, match=f"not up after 0 s: {complaint}") as error:
        verify([status], deadline_s=0)
    assert error.value.missing == missing


def test_whoever_watches_can_say_it_sooner() -> None:
    def dead() -> None:
        raise LabError("relay1 has died")

    with pytest.raises(LabError, match="relay1 has died"):
        verify([knowing(A)], deadline_s=30, watch=dead)
