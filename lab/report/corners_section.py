"""Corners beside the studies, and the waterfall between them, as tables, sentences and a figure."""

from __future__ import annotations

from collections.abc import Sequence

from lab.report.agreement import RULE
from lab.report.corners import Corner
from lab.report.good_calls import share_text
from lab.report.pages import (
    Drawing,
    Section,
    Table,
    counts_text,
    interval_text,
    joined,
    mean_text,
    signed_text,
)
from lab.report.paper import FROM_CORNER, TO_CORNER
from lab.report.waterfall import TOTALS, Kind, Waterfall
from lab.report.waterfall_figures import draw_waterfall


def corners_section(corners: Sequence[Corner], steps: Waterfall | None) -> Section:
    """Every corner, and what lies between the two that are set beside the studies."""
    findings = [_in_words(corner) for corner in corners if corner.study]
    findings += [RULE] if findings else []
    if steps:
        findings += _steps_in_words(steps)
    elif {FROM_CORNER, TO_CORNER} <= {corner.name for corner in corners}:
        findings.append(
            f"No waterfall: the corner {FROM_CORNER} or {TO_CORNER} has no valid call "
            "whose verdict is known at both ends."
        )
    return Section(
        "The corners beside the studies",
        (_table(corners), *((_steps_table(steps),) if steps else ())),
        tuple(findings),
        (
            Drawing(
                "waterfall",
                "From one study's share of good calls to the other's. Blue: measured; dotted: what "
                "is left between the corners; hatched: not explained here. With 95 % intervals.",
                draw_waterfall(steps),
            ),
        )
        if steps
        else (),
    )


def _table(corners: Sequence[Corner]) -> Table:
    rows = [
        (
            corner.name,
            *counts_text(corner.counts),
            interval_text(corner.mos["caller"], 2),
            interval_text(corner.mos["callee"], 2),
            interval_text(corner.owd_ms_p50, 0),
            mean_text(corner.jitter_ms["caller"], 1),
            mean_text(corner.jitter_ms["callee"], 1),
            share_text(corner.good),
            share_text(corner.good_pesq),
            share_text(corner.good_as_scored),
            corner.study.good.text if corner.study else "-",
            corner.agreement or "-",
        )
        for corner in corners
    ]
    columns = (
        "corner",
        "valid",
        "invalid",
        "failed",
        "PESQ at the caller (95 % CI)",
        "at the callee",
        "median delay, worse end, ms",
        "jitter at the caller, ms",
        "at the callee",
        "PESQ > 3 and delay < 400 ms, % (95 % CI)",
        "PESQ > 3, %",
        "PESQ > 3 as the second study scored, %",
        "the study",
        "beside it",
    )
    return Table("Calls with all settings of a corner at once", columns, tuple(rows), 1)


def _in_words(corner: Corner) -> str:
    """A corner beside its study; it has one."""
    study, share = corner.study, corner.by_studys_rule
    assert study is not None
    if share is None or share.estimate is None:
        return f"{corner.name}, the settings of {study.study}: no valid call so far."
    rule = "PESQ above 3"
    if study.asks_for_delay:
        rule += " and a delay below 400 ms"
    if study.header_as_audio:
        scored = share is corner.good_as_scored
        rule += ", scored as it scored" if scored else ", scored without its program's mistake"
    return (
        f"{corner.name}, the settings of {study.study}: {share_text(share)} % of {share.n} calls "
        f"are good by its own rule ({rule}, at both ends), {study.good.text} there: "
        f"{corner.agreement}."
    )


def _steps_table(steps: Waterfall) -> Table:
    rows = [
        (
            bar.name,
            str(bar.kind),
            interval_text(bar.size, 1) if bar.kind in TOTALS else signed_text(bar.size, 1),
            f"{start + bar.points:.1f}",
            str(bar.size.n or "-"),
        )
        for bar, start in zip(steps.bars, steps.starts, strict=True)
    ]
    title = "From one study's share of good calls to the other's, per cent and percentage points"
    return Table(title, ("step", "what it is", "size (95 % CI)", "then at", "n"), tuple(rows), 2)


def _steps_in_words(steps: Waterfall) -> list[str]:
    counted = [f"{bar.name} {bar.size.n}" for bar in steps.bars if bar.kind is Kind.CORNER]
    said = [
        "Shares are of the corners' valid calls whose verdict is known at both ends "
        f"({joined(counted)}). The steps called measured "
        "are, of a factor, its main effect on the share of good calls in the design, for as much "
        "of it as differs between the corners; of rule and scoring, the same calls judged in both "
        "ways. A main effect is a mean over the other factors' values, so their sum may pass 0 or "
        "100 %.",
        "Computed as what is left, so that the steps add up: what the factors do together beyond "
        "the sum of their main effects, with what the design does not vary; and, on either side, "
        "what lies between a corner and its study. No figure of a study enters any other step, "
        "and nothing is tuned to meet one.",
    ]
    if steps.not_varied:
        said.append(
            "The corners differ, and the design does not vary it (within what is left): "
            f"{joined(steps.not_varied)}."
        )
    if steps.not_told:
        said.append(f"Differ, and have no step of their own so far: {joined(steps.not_told)}.")
    return said
