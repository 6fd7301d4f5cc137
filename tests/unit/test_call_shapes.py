"""A call is invalid during which a link of its path was shaped in another way, whoever did it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from call_directory import call_notes, make_directory

from lab.measure.call.measured import measure_call
from lab.measure.call.shapes import shape_faults
from lab.measure.call.watches import LinkWatch
from lab.wire.links import LinkSample
from lab.wire.probe import LinkShapes, ShapesSeen
from lab.wire.shape import Shape

FAST, SLOW = Shape(100_000), Shape(10_000)
LINKS = {"hosting": LinkShapes(FAST, Shape()), "office": LinkShapes(FAST, Shape())}
KEPT = ShapesSeen(LINKS, LINKS, 0)


def test_links_that_keep_their_shapes_are_no_fault() -> None:
    assert shape_faults({"caller": KEPT, "server": KEPT}) == []


def test_every_direction_that_has_another_shape_afterwards_is_told() -> None:
    after = {**LINKS, "hosting": LinkShapes(SLOW, SLOW)}
    assert shape_faults({"caller": KEPT, "server": ShapesSeen(LINKS, after, 5)}) == [
        "the shape of server/hosting/out changed during the call, from 100mbit, htb pfifo 200 "
        "packets to 10mbit, htb pfifo 200 packets",
        "the shape of server/hosting/in changed during the call, from not shaped to 10mbit, htb "
        "pfifo 200 packets",
    ]


def test_what_was_changed_and_changed_back_is_told() -> None:
    assert shape_faults({"caller": ShapesSeen(LINKS, LINKS, 2)}) == [
        "links of caller were shaped anew during the call, and put back"
    ]


def test_a_shape_that_no_lab_sets_is_told() -> None:
    strange = {**LINKS, "office": LinkShapes(None, Shape())}
    assert shape_faults({"server": ShapesSeen(LINKS, strange, 1)}) == [
        "the shape of server/office/out changed during the call, from 100mbit, htb pfifo 200 "
        "packets to what no lab sets"
    ]


def test_the_call_is_invalid_and_each_change_is_told_once(tmp_path: Path) -> None:
    """Also where the shared link was watched by both of its watchers."""
    sample = LinkSample(0, 0, 0, 0, 0, 0, at=0.0)
    shared = LinkWatch("server/hosting/out", FAST, (sample, replace(sample, at=12.0)), SLOW)
    after = {**LINKS, "hosting": LinkShapes(SLOW, Shape())}
    notes = call_notes(links=(shared,), shapes={"server": ShapesSeen(LINKS, after, 3)})
    record = measure_call(make_directory(tmp_path, notes)).record
    assert (record.status, record.valid) == ("ok", False)
    assert [text for text in record.invalid_reasons if "shape of" in text] == [
        "the shape of server/hosting/out changed during the call, from 100mbit, htb pfifo 200 "
        "packets to 10mbit, htb pfifo 200 packets"
    ]
