"""The curves of `lab.report.contention` as tables, sentences and figures."""

from __future__ import annotations

from collections.abc import Sequence

from lab.measure.good_call import GOOD_DELAY_MS, GOOD_MOS
from lab.report.agreement import Agreement
from lab.report.contention import Curve, Step, kind_of
from lab.report.contention_figures import draw_delay_and_loss, draw_pesq
from lab.report.effects import effects, effects_table
from lab.report.naming import curve_names
from lab.report.pages import Drawing, Section, Table, counts_text, interval_text, joined, mean_text
from lab.report.paper import ContentionRow, ContentionTable
from lab.report.side_by_side import side_by_side
from lab.sweep.dimensions.load import LOAD_KIND, NONE
from lab.sweep.dimensions.rate import RATE
from lab.sweep.point import Point
from lab.wire.shape import format_rate


def contention_section(curves: Sequence[Curve], paper: ContentionTable | None) -> Section:
    """Every curve as a table; where several, their cliffs side by side."""
    names = curve_names([curve.point for curve in curves])
    findings = [_cliff_sentence(curve, name) for curve, name in zip(curves, names, strict=True)]
    if paper is not None:
        for curve, name in zip(curves, names, strict=True):
            findings += _row_sentences(curve, name, paper)
    findings.append(
        f"Good is a call with PESQ above {GOOD_MOS:g} and a median one-way delay below "
        f"{GOOD_DELAY_MS:g} ms, as in the paper; PESQ alone does not hear delay."
    )
    tables = [_table(curve, name, paper) for curve, name in zip(curves, names, strict=True)]
    if len(curves) > 1:
        tables[:0] = [*side_by_side(curves), _cliff_table(curves, names)]
        if found := effects(curves):
            tables.insert(0, effects_table(found))
    number = f"Table {paper.number}: " if paper else ""
    against = joined(list(dict.fromkeys(_against(curve.point) for curve in curves)))
    return Section(
        f"{number}calls against {against} on a shared link",
        tuple(tables),
        tuple(findings),
        (
            Drawing(
                "pesq",
                "PESQ (MOS-LQO, mean and 95 % confidence interval over calls) against the number "
                "of competing streams; black: the paper's values, arrows its bounds.",
                draw_pesq(curves, names, paper),
            ),
            Drawing(
                "delay-and-loss",
                "One-way delay (median solid, 95 % of packets dashed; means over calls) and loss "
                "against the number of competing streams.",
                draw_delay_and_loss(curves, names),
            ),
        ),
    )


def _against(point: Point) -> str:
    if point[LOAD_KIND] == NONE:
        return "no other traffic"
    kind = kind_of(point)
    return kind.description if kind else point[LOAD_KIND]


def _table(curve: Curve, name: str, paper: ContentionTable | None) -> Table:
    rows = []
    for step in curve.steps:
        cells = [str(step.count)]
        if paper is not None:
            cells += _paper_cells(step.paper)
        cells += [
            "-" if step.share_kbps is None else f"{step.share_kbps:.0f}",
            mean_text(step.goodput_kbps, 0),
            interval_text(step.mos, 2),
            interval_text(step.owd_ms_p50, 0),
            mean_text(step.owd_ms_p95, 0),
            mean_text(step.loss_pct, 1),
            "-" if step.good.estimate is None else f"{step.good.estimate:.0%}",
            mean_text(step.cost_kbps, 0),
            *counts_text(step.counts),
        ]
        if paper is not None:
            cells.append(step.agreement or "-")
        rows.append(tuple(cells))
    paper_columns = ("paper: streams", "paper: per stream", "paper: PESQ") if paper else ()
    columns = (
        "streams",
        *paper_columns,
        "link ÷ streams",
        "got per stream",
        "PESQ (95 % CI)",
        "delay",
        "delay 95 %",
        "loss %",
        "good",
        "call takes",
        "valid",
        "invalid",
        "failed",
        *(("beside the paper",) if paper else ()),
    )
    return Table(f"{name}: kbit/s, MOS-LQO, ms", columns, tuple(rows), 0)


def _paper_cells(row: ContentionRow | None) -> list[str]:
    return [row.streams, row.available_kbps.text, row.pesq.text] if row else ["-", "-", "-"]


def _cliff_table(curves: Sequence[Curve], names: Sequence[str]) -> Table:
    rows = []
    for curve, name in zip(curves, names, strict=True):
        alone = curve.steps[0]
        cost = mean_text(alone.cost_kbps, 0) if alone.count == 0 else "-"
        predicted = curve.cliff.predicted
        rows.append((name, cost, "-" if predicted is None else f"{predicted:.0f}", _where(curve)))
    columns = ("", "a call alone takes", "predicted: link ÷ cost - 1", "observed")
    return Table(f"Where the mean PESQ falls below {GOOD_MOS:g}, streams", columns, tuple(rows), 1)


def _where(curve: Curve) -> str:
    cliff = curve.cliff
    if cliff.first_bad is None:
        return "not in the range tried"
    if cliff.last_good is None:
        return f"below {cliff.first_bad}"
    return f"{cliff.last_good} to {cliff.first_bad}"


def _cliff_sentence(curve: Curve, name: str) -> str:
    cliff = curve.cliff
    if cliff.first_bad is None:
        most = max((step.count for step in curve.steps if step.counts.valid), default=0)
        sentence = f"{name}: PESQ does not fall below {GOOD_MOS:g} up to {most} streams"
    elif not next(step for step in curve.steps if step.count == cliff.first_bad).counts.valid:
        good = "" if cliff.last_good is None else f"PESQ is good up to {cliff.last_good} streams, "
        sentence = f"{name}: {good}calls against {cliff.first_bad} break"
    elif cliff.last_good is None:
        sentence = f"{name}: PESQ is below {GOOD_MOS:g} from the first count, {cliff.first_bad}"
    else:
        sentence = (
            f"{name}: PESQ falls below {GOOD_MOS:g} between {cliff.last_good} and "
            f"{cliff.first_bad} streams"
        )
    rate_kbps = curve.point[RATE]
    if cliff.predicted is not None and rate_kbps is not None:
        cost = curve.steps[0].cost_kbps.estimate
        sentence += (
            f"; link ÷ cost of a call alone ({format_rate(rate_kbps)} ÷ "
            f"{cost:.0f} kbit/s), less the call itself, predicts {cliff.predicted:.0f}"
        )
        last = next((step for step in curve.steps if step.count == cliff.last_good), None)
        if last is not None and last.count and last.cost_kbps.estimate:
            at_cliff = rate_kbps / last.cost_kbps.estimate - 1
            sentence += (
                f", with the {last.cost_kbps.estimate:.0f} kbit/s it still takes against "
                f"{last.count} it is {at_cliff:.0f}"
            )
    unknown = [str(step.count) for step in curve.steps if not step.counts.valid]
    if unknown:
        sentence += f"; against {joined(unknown)} there was no valid call"
    return sentence + "."


def _row_sentences(curve: Curve, name: str, paper: ContentionTable) -> list[str]:
    """For every row of the paper what is found here."""
    sentences = []
    for row in paper.rows:
        steps = [step for step in curve.steps if step.paper == row]
        head = f"{name}, {row.streams} streams: the paper has PESQ {row.pesq.text}; here"
        if not steps:
            sentences.append(f"{head} no such load was tried.")
            continue
        agreeing = [_told(step) for step in steps if step.agreement is Agreement.AGREES]
        differing = [_told(step) for step in steps if step.agreement is Agreement.DIFFERS]
        unknown = [str(step.count) for step in steps if step.agreement is Agreement.UNKNOWN]
        parts = []
        if agreeing:
            parts.append(f"{joined(agreeing)}, which agrees")
        if differing:
            parts.append(f"{joined(differing)}, which differs")
        if unknown:
            parts.append(f"no valid call against {joined(unknown)}")
        sentences.append(f"{head} {'; '.join(parts)}.")
    return sentences


def _told(step: Step) -> str:
    return f"{interval_text(step.mos, 2)} against {step.count} (n = {step.counts.valid})"
