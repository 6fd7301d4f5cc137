"""What each choice does by itself, of simulated calls whose quality is known."""

from __future__ import annotations

from itertools import product

from report_runs import against, call, report_on, text_of

from lab.measure.record import CallRecord
from lab.report.contention import curves
from lab.report.effects import effects
from lab.sweep.dimensions.load import LOAD_COUNT
from lab.sweep.dimensions.placement import PLACEMENT
from lab.sweep.dimensions.queue import QUEUE
from lab.sweep.point import Point

PLACEMENTS: tuple[str, ...] = ("server", "access")
QUEUES = (20, 300)


def at(placement: str, queue: int, count: int) -> Point:
    return against(count).but(placement=placement, queue_packets=queue)


def made(points: list[Point]) -> list[CallRecord]:
    """The cap at the access link costs 2 MOS, a long queue 100 ms, 80 streams half a MOS."""
    return [
        call(
            point,
            number,
            mos=4.0 - 2.0 * (point[PLACEMENT] == "access") - 0.5 * (point[LOAD_COUNT] == 80),
            caller_owd_ms_p50=50.0 + 100.0 * (point[QUEUE] == 300),
        )
        for point in points
        for number in (1, 2)
    ]


GRID = [at(*values) for values in product(PLACEMENTS, QUEUES, (40, 80))]


def test_every_choice_is_told_over_steps_that_differ_in_it_alone() -> None:
    found = effects(curves(GRID, made(GRID), None))
    assert [(e.choice, e.value, e.mos, e.owd_ms_p50, e.good_steps, e.steps) for e in found] == [
        ("placement", "cap at server", 3.75, 100.0, 4, 4),
        ("placement", "cap at access", 1.75, 100.0, 0, 4),
        ("queue", "queue of 20", 2.75, 50.0, 2, 4),
        ("queue", "queue of 300", 2.75, 150.0, 2, 4),
    ]


def test_a_step_that_one_value_lacks_is_left_out_for_the_others_too() -> None:
    """Else the choice that was only tried against few streams would look the better one."""
    kept = [point for point in GRID if point != at("access", 300, 80)]
    found = effects(curves(kept, made(kept), None))
    assert [(e.value, e.mos, e.steps) for e in found] == [
        ("cap at server", (4.0 + 3.5 + 4.0) / 3, 3),
        ("cap at access", (2.0 + 1.5 + 2.0) / 3, 3),
        ("queue of 20", (4.0 + 3.5 + 2.0) / 3, 3),
        ("queue of 300", (4.0 + 3.5 + 2.0) / 3, 3),
    ]


def test_invalid_calls_say_nothing_of_a_choice() -> None:
    calls = made(GRID)
    for record in calls:
        if record.point_id == at("access", 300, 80).point_id:
            record.valid = False
    assert {e.steps for e in effects(curves(GRID, calls, None))} == {3}


def test_where_one_choice_alone_varies_its_curves_tell_it() -> None:
    points = [point for point in GRID if point[QUEUE] == 20]
    assert effects(curves(points, made(points), None)) == ()


def test_a_cipher_is_chosen_with_its_digest() -> None:
    points = [
        point.but(cipher=cipher, digest=digest)
        for point in GRID
        for cipher, digest in (("AES-256-GCM", None), ("AES-256-CBC", "SHA512"))
    ]
    found = effects(curves(points, made(points), None))
    assert [e.value for e in found if e.choice == "cipher"] == [
        "AES-256-GCM",
        "AES-256-CBC, SHA512",
    ]


def test_the_report_shows_them() -> None:
    text = text_of(report_on(GRID, made(GRID), None))
    assert "What each choice does" in text
    assert "cap at access" in text
