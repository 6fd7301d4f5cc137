"""Several opinions on the calls of a run: beside one another, and beside what was late and lost."""

from __future__ import annotations

import numpy as np
import pytest
from report_runs import call, report_on, text_of

from lab.measure.record import CallRecord
from lab.report.opinions import compare
from lab.report.opinions_figures import draw_against, draw_by_time
from lab.sweep.point import Point

POINTS = (Point("sip"), Point("v-tor"))
LATE, LOST = (-1.8, -0.05), (-0.6, -1.5)
"""What PESQ and ViSQOL say of late voice, and of lost voice."""


def rated(
    point: Point, number: int, deltas: tuple[float, float], late_pct: float, lost_pct: float
) -> CallRecord:
    """A call at both ends of which PESQ and ViSQOL say so much less than of the codec alone."""
    pesq, visqol = deltas
    record = call(point, number, 4.4 + pesq, pesq_ceiling_mos=4.4, duration_s=30.0)
    for end in ("caller", "callee"):
        setattr(record, f"{end}_loss_pct", lost_pct)
        setattr(record, f"{end}_concealed_pct", late_pct + lost_pct)
        record.opinions[f"{end}_visqol"] = 4.5 + visqol
    record.opinions["visqol_ceiling"] = 4.5
    return record


def calls() -> list[CallRecord]:
    good = [rated(POINTS[0], n, (-0.01 * n, -0.01 * n), 0.0, 0.0) for n in range(1, 6)]
    late = [rated(POINTS[1], n, LATE, 4.0 + n, 0.0) for n in range(1, 4)]
    lost = [rated(POINTS[1], n, LOST, 0.0, 4.0) for n in range(4, 6)]
    return [*good, *late, *lost]


def test_two_are_compared_on_every_end_of_every_valid_call() -> None:
    invalid = rated(POINTS[1], 9, LATE, 1.0, 0.0)
    invalid.valid = False
    found = compare([*calls(), invalid])
    assert found is not None
    assert [name for name in found.opinions if name != "emodel"] == ["pesq", "visqol"]
    (pair,) = found.agreements
    assert pair.n == len(found.ends) == 20
    assert pair.opposite == 6, "the late ones"
    assert pair.spearman is not None
    # Of pairs that both tell apart: 6 late with 4 lost, in opposite order, and lost with good.
    assert (pair.pairs, pair.swapped) == (6 * 4 + 4 * 10, 6 * 4)


def test_late_and_lost_voice_are_told_apart() -> None:
    found = compare(calls())
    assert found is not None
    late, lost = found.ends[10], found.ends[-1]
    assert late.late_s == pytest.approx(30 * 0.05)
    assert late.lost_s == 0
    assert lost.late_s == 0
    assert lost.lost_s == pytest.approx(30 * 0.04)


def test_the_report_has_a_section_only_where_somebody_asked() -> None:
    asked = report_on(POINTS, calls(), None)
    text = text_of(asked)
    assert "How far two agree" in text
    assert "PESQ and ViSQOL disagree in sign on 6 of 20 call ends" in text
    assert "put 24 of 64 pairs" in text
    (section,) = [part for part in asked.sections if part.title == "More than one opinion"]
    assert section.tables[0].rows[0][:2] == ("sip", "PCMU")
    without = calls()
    for record in without:
        record.opinions.clear()
    assert "How far two agree" not in text_of(report_on(POINTS, without, None))


def test_figures_have_a_point_for_every_end_of_a_call() -> None:
    found = compare(calls())
    assert found is not None
    (against,) = draw_against(found).axes
    marked = [line for line in against.lines if line.get_marker() != "None"]
    assert sum(np.size(line.get_xdata()) for line in marked) == 20
    by_time = draw_by_time(found).axes
    assert len(by_time) == 2 * len(found.opinions)
    assert all(axes.get_xlabel() and axes.get_ylabel() for axes in by_time)
