"""What `lab link set` changes, and what it keeps."""

from __future__ import annotations

import pytest

from lab.agents.net.qdiscs import burst_bytes
from lab.cli.link import changes_from
from lab.errors import UsageError
from lab.wire.shape import DEFAULT_QUEUE, FifoKind, Queue, Shape, ShapeChange, ShaperKind

CAPPED = Shape(10_000)
OPTIONS = ("rate", "queue", "queue_bytes", "kind", "delay", "loss")


def asked(**options: object) -> ShapeChange:
    return changes_from(**{**dict.fromkeys(OPTIONS), **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "change"),
    [
        ({"rate": "10mbit"}, ShapeChange(rate_kbps=10_000)),
        ({"rate": "none"}, ShapeChange(uncapped=True)),
        ({"queue": 50}, ShapeChange(fifo=FifoKind.PFIFO, limit=50)),
        (
            {"queue_bytes": 3000, "kind": "tbf"},
            ShapeChange(kind=ShaperKind.TBF, fifo=FifoKind.BFIFO, limit=3000),
        ),
        ({"delay": "20ms", "loss": "0.5%"}, ShapeChange(delay_ms=20.0, loss_pct=0.5)),
        ({"delay": "0ms"}, ShapeChange(delay_ms=0.0)),
    ],
)
def test_options_become_changes(options: dict[str, object], change: ShapeChange) -> None:
    assert asked(**options) == change


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
    assert ShapeChange(rate_kbps=5_000).of(CAPPED) == Shape(5_000)
    assert ShapeChange(limit=9).of(CAPPED) == Shape(10_000, Queue(limit=9))
    assert ShapeChange(delay_ms=20.0).of(CAPPED) == Shape(10_000, delay_ms=20.0)
    assert ShapeChange(delay_ms=0.0).of(Shape(10_000, delay_ms=20.0)) == CAPPED


def test_a_link_that_was_not_shaped_gets_the_default_queue() -> None:
    assert ShapeChange(rate_kbps=5_000).of(Shape()) == Shape(5_000, DEFAULT_QUEUE)


def test_a_rate_taken_off_takes_its_queue_along() -> None:
    long = Shape(10_000, Queue(limit=9))
    assert ShapeChange(uncapped=True).of(long) == Shape()
    delayed = Shape(10_000, Queue(limit=9), delay_ms=20.0)
    assert ShapeChange(uncapped=True).of(delayed) == Shape(delay_ms=20.0)


def test_a_queue_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="a queue needs a rate"):
        ShapeChange(limit=9).of(Shape())
    with pytest.raises(ValueError, match="a queue needs a rate"):
        ShapeChange(uncapped=True, kind=ShaperKind.TBF).of(CAPPED)


@pytest.mark.parametrize(
    ("rate_kbps", "burst"), [(64, 3028), (10_000, 3028), (100_000, 12_500), (10**6, 125_000)]
)
def test_a_cap_may_send_a_millisecond_at_once_or_two_frames(rate_kbps: int, burst: int) -> None:
    assert burst_bytes(rate_kbps) == burst
