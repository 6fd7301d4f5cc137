"""What the page says of a call that is over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from call_directory import call_notes, make_directory, measured
from simulated_calls import simulated

from lab.measure.opinions import OPINIONS
from lab.measure.record import COLUMNS
from lab.sweep.plan import PlannedCall
from lab.sweep.point import Point
from lab.verdict import VERDICTS
from lab.web.call.tables import (
    MOODS,
    NOT_MEASURED,
    SIGNS,
    Table,
    as_html,
    bandwidth_table,
    opinions_table,
    told,
    way_table,
    whole_record,
)

MADE_UP = replace(
    simulated(PlannedCall(Point("v-tor"), 1, seed=3)),
    status="ok",
    valid=True,
    reason=None,
    invalid_reasons=[],
)


def rows(table: Table) -> dict[str, tuple[str, ...]]:
    return {first: tuple(cells) for first, *cells in table.rows}


def test_every_verdict_has_a_colour_and_a_sign_of_its_own() -> None:
    assert set(MOODS) == set(SIGNS) == set(VERDICTS)
    assert len(set(SIGNS.values())) == 3, "colour is never the only sign"


def test_what_was_not_measured_says_so() -> None:
    assert rows(way_table(MADE_UP))["loss"] == (NOT_MEASURED, NOT_MEASURED)
    assert rows(whole_record(MADE_UP))["rtt_ms"] == (NOT_MEASURED,)
    assert dict(told(MADE_UP))["set up in"] == NOT_MEASURED
    assert dict(told(MADE_UP))["arriving at the callee"] == NOT_MEASURED


def test_every_opinion_has_a_row_at_both_ends(tmp_path: Path) -> None:
    record = measured(make_directory(tmp_path, call_notes()))
    table = rows(opinions_table(record))
    assert {opinion.title for opinion in OPINIONS} <= table.keys()
    pesq = table["PESQ"]
    assert pesq == tuple(f"{each:.2f}" for each in (
        record.caller_pesq_mos, record.callee_pesq_mos, record.pesq_ceiling_mos))  # fmt: skip
    extra = next(opinion for opinion in OPINIONS if opinion.is_extra)
    assert table[extra.title][:2] == (NOT_MEASURED, NOT_MEASURED)


def test_figures_of_a_call_are_those_of_its_record(tmp_path: Path) -> None:
    record = measured(make_directory(tmp_path, call_notes()))
    assert rows(way_table(record))["one-way delay, median"] == ("5.0 ms", "5.0 ms")
    assert rows(way_table(record))["stalls"] == ("0", "0")
    back, there = rows(bandwidth_table(record))["access, ETH"]
    assert float(there) == round(record.kbps_access_eth or 0, 1)
    assert float(back) == round(record.kbps_access_eth_back or 0, 1)
    assert rows(bandwidth_table(record))["tunnel, IP"] == (NOT_MEASURED, NOT_MEASURED)
    words = dict(told(record))
    assert words["arriving at the callee"] == "no marks of bursts, queues or repaired loss"
    assert words["voice"].endswith("PCMU in packets of 20 ms")


def test_every_bandwidth_that_a_record_can_have_is_shown() -> None:
    shown = len(bandwidth_table(MADE_UP).rows)
    assert shown == sum(name.startswith("kbps_") and not name.endswith("_back") for name in COLUMNS)


def test_every_column_has_a_name() -> None:
    for table in (opinions_table(MADE_UP), way_table(MADE_UP), bandwidth_table(MADE_UP)):
        assert all(table.columns)


def test_the_circuit_and_its_diagnosis_are_told_in_words() -> None:
    record = replace(
        MADE_UP,
        circuit="authority relay1 relay2",
        nodelay="none",
        callee_diagnosis="steady bursts of 2.0 packets",
        callee_burst_mean=2.0,
    )
    words = dict(told(record))
    assert words["circuit"] == "authority → relay1 → relay2"
    assert words["as its relays saw it"] == NOT_MEASURED
    assert words["arriving at the callee"] == "steady bursts of 2.0 packets"


def test_cells_are_text_and_never_markup() -> None:
    html = as_html(Table("<b>", ("a & b",), (("<script>", "1 < 2"),)))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "1 &lt; 2" in html
    assert "<caption>&lt;b&gt;</caption>" in html
