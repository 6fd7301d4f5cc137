"""The table of a run's calls: which part of which calls a viewer is sent."""

from __future__ import annotations

import pytest
from web_runs import SIP, TOR, made

from lab.measure.record import CallRecord
from lab.web.runs.call_table import SIZES, Wanted, chosen, page_of, wanted_of
from lab.web.runs.made_call import MadeCall


def as_made(record: CallRecord) -> MadeCall:
    return MadeCall(**{name: getattr(record, name) for name in MadeCall.__dataclass_fields__})


CALLS = [
    as_made(made(SIP, 1, caller_pesq_mos=4.0)),
    as_made(made(SIP, 2, "invalid", caller_pesq_mos=2.0)),
    as_made(made(TOR, 3, "failed")),
    as_made(made(TOR, 4, caller_pesq_mos=3.0)),
]


def numbers(wanted: Wanted) -> list[int | None]:
    return [call.point_call for call in chosen(CALLS, wanted)]


def test_calls_are_newest_first_and_chosen_by_verdict_and_point() -> None:
    assert numbers(Wanted()) == [4, 3, 2, 1]
    assert numbers(Wanted(verdict="valid")) == [4, 1]
    assert numbers(Wanted(verdict="valid", point_id=TOR.point_id)) == [4]
    assert numbers(Wanted(point_id=SIP.point_id)) == [2, 1]


def test_what_was_not_measured_is_last_in_either_order() -> None:
    assert numbers(Wanted(order="caller_mos")) == [2, 4, 1, 3]
    assert numbers(Wanted(order="caller_mos", descending=True)) == [1, 4, 2, 3]


def test_a_page_holds_no_more_than_its_size() -> None:
    many = CALLS * 20
    rows, count, page = page_of(many, {}, Wanted(page=4, size=25))
    assert (len(rows), count, page) == (5, 80, 4)
    rows, _, page = page_of(many, {}, Wanted(page=9, size=25))
    assert (len(rows), page) == (5, 4)
    assert page_of([], {}, Wanted(page=3)) == ([], 0, 1)


def test_a_call_says_what_became_of_it_and_never_a_zero() -> None:
    rows, _, _ = page_of(CALLS, {TOR.point_id: "over Tor"}, Wanted())
    valid, failed, invalid, _ = rows
    assert (failed["verdict"], failed["why"]) == ("failed", "no answer")
    assert (failed["caller_mos"], failed["caller_ms"]) == ("-", "-")
    assert (invalid["verdict"], invalid["why"]) == ("invalid", "late; cut")
    assert (valid["verdict"], valid["why"], valid["point"]) == ("valid", "", "over Tor")
    assert invalid["point"] == SIP.point_id


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"page": 0, "rowsPerPage": 0, "sortBy": "reason"},
        {"page": "2", "rowsPerPage": 5000, "sortBy": ["started"], "descending": None},
    ],
)
def test_what_a_browser_may_not_ask_for_is_as_usual(asked: dict[str, object]) -> None:
    assert wanted_of(asked, None, None) == Wanted()


def test_what_a_browser_may_ask_for_is_had() -> None:
    asked = {"page": 3, "rowsPerPage": SIZES[1], "sortBy": "started", "descending": True}
    expected = Wanted(3, SIZES[1], "started", True, "failed", "sip")
    assert wanted_of(asked, "failed", "sip") == expected
