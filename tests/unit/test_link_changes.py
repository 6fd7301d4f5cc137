"""What `lab link set` changes, and what it keeps."""

from __future__ import annotations

import pytest

from lab.agents.net.links import updated
from lab.agents.net.qdiscs import ShapingError, burst_bytes
from lab.cli.link import changes_from
from lab.errors import UsageError
from lab.wire.shape import Shape

HTB = {"kind": "htb", "fifo": "pfifo", "limit": 200}
CAPPED = {"rate_kbps": 10_000, "queue": HTB, "delay_ms": 0.0, "loss_pct": 0.0}
OPTIONS = ("rate", "queue", "queue_bytes", "kind", "delay", "loss")


def asked(**options: object) -> dict[str, object]:
    return changes_from(**{**dict.fromkeys(OPTIONS), **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({"rate": "10mbit"}, {"rate_kbps": 10_000}),
        ({"rate": "none"}, {"rate_kbps": None}),
        ({"queue": 50}, {"queue": {"fifo": "pfifo", "limit": 50}}),
        (
            {"queue_bytes": 3000, "kind": "tbf"},
            {"queue": {"kind": "tbf", "fifo": "bfifo", "limit": 3000}},
        ),
        ({"delay": "20ms", "loss": "0.5%"}, {"delay_ms": 20.0, "loss_pct": 0.5}),
    ],
)
def test_options_become_changes(options: dict[str, object], changes: dict[str, object]) -> None:
    assert asked(**options) == changes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing to set"),
        ({"rate": "fast"}, "--rate: 'fast' is not a rate"),
        ({"queue": 5, "queue_bytes": 3000}, "exclude each other"),
        ({"loss": "2"}, "--loss: '2' is not a share"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        asked(**options)


def test_what_is_not_named_stays() -> None:
    assert updated(CAPPED, {"rate_kbps": 5_000}) == {**CAPPED, "rate_kbps": 5_000}
    assert updated(CAPPED, {"queue": {"limit": 9}}) == {**CAPPED, "queue": {**HTB, "limit": 9}}
    assert updated(CAPPED, {"delay_ms": 20.0}) == {**CAPPED, "delay_ms": 20.0}


def test_a_link_that_was_not_shaped_gets_the_default_queue() -> None:
    assert updated(None, {"rate_kbps": 5_000}) == Shape(5_000).to_spec()


def test_a_rate_taken_off_takes_its_queue_along() -> None:
    assert updated(CAPPED, {"rate_kbps": None}) is None
    delayed = {**CAPPED, "delay_ms": 20.0}
    assert updated(delayed, {"rate_kbps": None}) == Shape(delay_ms=20.0).to_spec()


def test_a_queue_alone_is_refused() -> None:
    with pytest.raises(ShapingError, match="a queue needs a rate"):
        updated(None, {"queue": {"limit": 9}})


@pytest.mark.parametrize(
    ("rate_kbps", "burst"), [(64, 3028), (10_000, 3028), (100_000, 12_500), (10**6, 125_000)]
)
def test_a_cap_may_send_a_millisecond_at_once_or_two_frames(rate_kbps: int, burst: int) -> None:
    assert burst_bytes(rate_kbps) == burst
