"""The comparison of `lab.report.codecs` as tables, sentences and figures."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from lab.measure.good_call import GOOD_MOS
from lab.report.codec_figures import draw_bandwidth, draw_pesq
from lab.report.codecs import CodecCalls, Codecs, coding, encoder_kbps
from lab.report.pages import Drawing, Section, Table, counts_text, interval_text, joined, mean_text
from lab.report.paper import ENCODER_MOS
from lab.report.systems import bandwidth_columns, system_of

COSTS = (
    ("exit_eth", "on the last hop to the server"),
    ("access_eth", "on the caller's own link"),
)
"""Where the cheapest and the dearest codec are named, Ethernet level."""


def codec_section(found: Codecs) -> Section:
    """PESQ and bandwidth of every codec, and what can be said of each path."""
    rows = found.rows
    drawings = [
        Drawing(
            "pesq-by-codec",
            "PESQ (MOS-LQO) of every valid call: a dot each, the box from the first to the third "
            "quartile; black: the codec alone, without any network; n is in valid calls, with "
            "invalid (i) and failed (f) ones beside it.",
            draw_pesq(rows),
        )
    ]
    if any(row.kbps["access_eth"].n for row in rows):
        drawings.append(
            Drawing(
                "bandwidth-by-codec",
                "Bandwidth of one call at the named points, kbit/s, mean and 95 % confidence "
                "interval over valid calls.",
                draw_bandwidth(rows),
            )
        )
    return Section(
        "Codecs side by side",
        (_quality_table(rows), _bandwidth_table(rows)),
        (*_findings(rows), *_beside_paper(rows)),
        tuple(drawings),
    )


def _quality_table(rows: Sequence[CodecCalls]) -> Table:
    cells = [
        (
            *_names(row),
            "-" if row.ceiling_mos is None else f"{row.ceiling_mos:.2f}",
            interval_text(row.mean_mos, 2),
            *_spread(row),
            "-" if row.good.estimate is None else f"{row.good.estimate:.0%}",
            mean_text(row.owd_ms_p50, 1),
            mean_text(row.loss_pct, 1),
            *counts_text(row.counts),
        )
        for row in rows
    ]
    columns = (
        "system",
        "codec",
        "link",
        "codec alone",
        "mean (95 % CI)",
        "least",
        "25 %",
        "median",
        "75 %",
        "most",
        f"> {GOOD_MOS:g}",
        "delay",
        "loss %",
        "valid",
        "invalid",
        "failed",
    )
    title = "PESQ as MOS-LQO (P.862.1, narrow-band), at the scored end; one-way delay (ms)"
    return Table(title, columns, tuple(cells), 3)


def _bandwidth_table(rows: Sequence[CodecCalls]) -> Table:
    cells = [
        (
            *_names(row),
            *(
                interval_text(row.kbps[f"{column.point}_{column.level}"], 1)
                for column in bandwidth_columns()
            ),
            str(row.counts.valid),
        )
        for row in rows
    ]
    columns = ("system", "codec", "link", *(column.where for column in bandwidth_columns()), "n")
    title = "Bandwidth of one call in the direction of the scored voice, kbit/s (95 % CI)"
    return Table(title, columns, tuple(cells), 3)


def _names(row: CodecCalls) -> tuple[str, str, str]:
    return system_of(row.point.method), coding(row.point), row.link


def _spread(row: CodecCalls) -> tuple[str, ...]:
    if row.percentiles is None:
        return ("-",) * 5
    return tuple(f"{value:.2f}" for value in row.percentiles)


def _findings(rows: Sequence[CodecCalls]) -> list[str]:
    """For every path which codecs keep a good PESQ, which do not, and what the codec costs."""
    paths = dict.fromkeys(_path(row) for row in rows)
    sentences = []
    for method, link in paths:
        mine = [row for row in rows if _path(row) == (method, link)]
        known = [row for row in mine if row.mean_mos.estimate is not None]
        good = [row for row in known if (row.mean_mos.estimate or 0) > GOOD_MOS]
        bad = [row for row in known if row not in good]
        silent = [row for row in mine if row not in known]
        parts = []
        if good:
            parts.append(f"{joined([_told(row) for row in good])} stay above {GOOD_MOS:g}")
        if bad:
            parts.append(f"{joined([_told(row) for row in bad])} do not")
        if silent:
            parts.append(f"no valid call with {joined([coding(row.point) for row in silent])}")
        sentences.append(f"{system_of(method)}, {link}: mean PESQ of {'; '.join(parts)}.")
        costs = [_cost_range(mine, column, where) for column, where in COSTS]
        if all(costs):
            sentences.append(f"{system_of(method)}, {link}: a call takes {joined(costs)}.")
    return sentences


def _cost_range(rows: Sequence[CodecCalls], column: str, where: str) -> str:
    """The cheapest and the dearest codec at one point; empty where nothing was measured."""
    known = [(kbps, row) for row in rows if (kbps := row.kbps[column].estimate) is not None]
    if not known:
        return ""
    least, most = (pick(known, key=lambda pair: pair[0]) for pick in (min, max))
    return (
        f"{least[0]:.0f} ({coding(least[1].point)}) to {most[0]:.0f} kbit/s "
        f"({coding(most[1].point)}) {where}"
    )


def _beside_paper(rows: Sequence[CodecCalls]) -> list[str]:
    """For every path of a sweep of encoder rates, what is nearest to the paper's three."""
    rates = [(rate, row) for row in rows if (rate := encoder_kbps(row.point)) is not None]
    if len({rate for rate, _ in rates}) < len(ENCODER_MOS):
        return []
    sentences = []
    for method, link in dict.fromkeys(_path(row) for _, row in rates):
        mine = [(rate, row) for rate, row in rates if _path(row) == (method, link)]
        told = []
        for asked, mos in ENCODER_MOS.items():
            rate, row = min(mine, key=lambda pair: abs(log(pair[0] / asked)))
            here = f"{coding(row.point)} ({rate:g} kbit/s)"
            told.append(
                f"{asked} kbit/s {mos:.1f}, here {mean_text(row.mean_mos, 2)} with {here}, "
                f"n = {row.counts.valid}"
            )
        sentences.append(
            f"{system_of(method)}, {link}, beside the paper's PESQ by encoder rate over the public "
            f"Tor network: {'; '.join(told)}."
        )
    return sentences


def _path(row: CodecCalls) -> tuple[str, str]:
    return row.point.method, row.link


def _told(row: CodecCalls) -> str:
    below = ""
    if row.ceiling_mos is not None and row.mean_mos.estimate is not None:
        difference = row.mean_mos.estimate - row.ceiling_mos
        below = f", {difference:+.2f} against the codec alone"
    return f"{coding(row.point)} ({mean_text(row.mean_mos, 2)}{below}, n = {row.counts.valid})"
