"""`lab rtp`: the RTP streams in captures, and the delay of every packet between two of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from lab.cli.output import err, out, print_json
from lab.measure.clocks import Clocks

if TYPE_CHECKING:
    from lab.measure.capture import Capture
    from lab.measure.delay import ClockFit
    from lab.measure.rtp import Stream
    from lab.measure.stream_report import StreamReport
    from lab.measure.two_captures import Comparison, Direction

MANY_STREAMS = 200
"""More are laid out for programs: a table that folds to the terminal takes a millisecond a row."""
HEADINGS = (
    "SSRC", "from", "to", "codec",
    "packets", "lost %", "jitter ms", "max", "gap ms", "burst", "every ms", "reordered", "s",
    "notes",
)  # fmt: skip
DELAY_HEADINGS = (
    "sent by", "received by", "matched",
    "packets", "lost %", "delay ms p50", "p95", "max", "spikes",
)  # fmt: skip
WORDS = frozenset({"SSRC", "from", "to", "codec", "notes", "sent by", "received by", "matched"})
"""Headings of columns that hold words; the others hold numbers."""


@click.command("rtp")
@click.argument(
    "captures",
    nargs=-1,
    required=True,
    metavar="CAPTURE...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--port", "ports", multiple=True, type=int, help="Only UDP packets of this port.")
@click.option(
    "--clocks",
    type=click.Choice([clocks.value for clocks in Clocks]),
    default=Clocks.AUTO.value,
    show_default=True,
    help="Whether two captures were taken on one clock.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--series", is_flag=True, help="In JSON, add each packet's jitter and delay.")
def command(
    captures: tuple[Path, ...], ports: tuple[int, ...], clocks: str, as_json: bool, series: bool
) -> None:
    """Tell the RTP streams in captures apart and judge them: loss, jitter, gaps, bursts.

    With two captures of one call, one from each end, the delay of every packet as well.
    """
    from lab.measure.capture import read_capture
    from lab.measure.clock_agreement import freed_of_steps
    from lab.measure.rtp import streams
    from lab.measure.stream_report import stream_report
    from lab.measure.two_captures import compare

    read = [read_capture(path) for path in captures]
    found = [streams(capture, frozenset(ports) or None) for capture in read]
    comparison = None
    if len(read) == 2:
        found = list(freed_of_steps(found[0], found[1]))
        comparison = compare(found[0], found[1], Clocks(clocks))
    sent = {way.received: way.sent for way in comparison.directions} if comparison else {}
    reports = [[stream_report(stream, sent.get(stream)) for stream in own] for own in found]
    if as_json:
        values: dict[str, Any] = {
            "captures": [
                _capture_values(capture, own, told, series)
                for capture, own, told in zip(read, found, reports, strict=True)
            ]
        }
        if comparison is not None:
            values |= _comparison_values(comparison, series)
        print_json(values, compact=sum(map(len, found)) > MANY_STREAMS)
        return
    for capture, told in zip(read, reports, strict=True):
        _print_capture(capture, told)
    if comparison is not None:
        _print_comparison(comparison)


def _capture_values(
    capture: Capture, own: tuple[Stream, ...], told: Sequence[StreamReport], series: bool
) -> dict[str, Any]:
    from lab.measure.jitter import running_jitter

    rows = []
    for stream, report in zip(own, told, strict=True):
        row = report.to_dict()
        if series:
            row["jitter_series_ms"] = running_jitter(stream).tolist()
        rows.append(row)
    return {
        "path": str(capture.path),
        "packets": len(capture),
        "cut_short": capture.cut_short,
        "link_types": list(capture.link_types),
        "untimed": capture.untimed,
        "unread": [asdict(one) for one in capture.unread],
        "streams": rows,
    }


def _comparison_values(comparison: Comparison, series: bool) -> dict[str, Any]:
    estimate = comparison.estimate
    return {
        "clock": _clock_values(comparison.clock),
        "clock_estimate": None if estimate is None else _clock_values(estimate),
        "delays": [_direction_values(way, series) for way in comparison.directions],
    }


def _clock_values(clock: ClockFit) -> dict[str, Any]:
    return {"basis": clock.basis, "offset_ms": clock.offset_ms, "skew_ppm": clock.skew_ppm}


def _direction_values(way: Direction, series: bool) -> dict[str, Any]:
    delays = way.delays
    values = {
        "ssrc_sent": f"0x{way.sent.ssrc:08x}",
        "ssrc_received": f"0x{way.received.ssrc:08x}",
        "sent_in": "first" if way.from_first else "second",
        "source": str(way.sent.source),
        "destination": str(way.received.destination),
        "matched_by": delays.matched_by,
        "packets_sent": delays.sent_packets,
        "packets_received": delays.received_packets,
        "packets_matched": len(delays),
        "loss_pct": delays.loss_pct,
        "owd_ms_p50": delays.p50_ms,
        "owd_ms_p95": delays.p95_ms,
        "owd_ms_max": delays.max_ms,
        "delay_spikes": delays.spikes(),
    }
    if series:
        values["sent_ns_series"] = delays.sent_ns.tolist()
        values["owd_ms_series"] = delays.delay_ms.tolist()
    return values


def _print_capture(capture: Capture, reports: list[StreamReport]) -> None:
    from lab.measure.layer_names import said

    note = ", cut short in its last packet" if capture.cut_short else ""
    out.print(f"{capture.path}: {len(capture)} packets{note}", soft_wrap=True)
    if capture.unread:
        err.print(f"Packets of it were not read: {said(capture.unread)}.", soft_wrap=True)
    if capture.untimed:
        err.print(
            f"{capture.untimed} packets of it have no time: what depends on time is not known.",
            soft_wrap=True,
        )
    if not reports:
        err.print("No RTP stream in it. RTP inside a tunnel shows only on the tunnel's interface.")
        return
    _print_rows(HEADINGS, [_row(report) for report in reports])


def _row(report: StreamReport) -> tuple[str, ...]:
    return (
        report.ssrc,
        report.source,
        report.destination,
        report.codec + ("" if report.codec_certain else "?"),
        str(report.packets),
        f"{report.loss_pct:.2f}",
        f"{report.jitter.mean:.3f}",
        f"{report.jitter.max:.3f}",
        f"{report.gaps.network_gap_max_ms:.0f}",
        f"{report.bursts.mean:.2f}",
        "-" if report.bursts.gap_ms_p50 is None else f"{report.bursts.gap_ms_p50:.0f}",
        str(report.reordered),
        f"{report.duration_s:.1f}",
        _notes(report),
    )


def _notes(report: StreamReport) -> str:
    notes = []
    if report.gaps.voice_activity_detection:
        notes.append(f"VAD ({report.gaps.talk_pauses} pauses)")
    if report.duplicates:
        notes.append(f"{report.duplicates} duplicates")
    notes += [*report.diagnosis.words, *report.remarks]
    return ", ".join(notes)


def _print_comparison(comparison: Comparison) -> None:
    if not comparison.directions:
        err.print("No stream stands in both captures: they are not of one call.")
        return
    rows = [
        (
            str(way.sent.source),
            str(way.received.destination),
            f"by {way.delays.matched_by}",
            f"{len(way.delays)}/{way.delays.sent_packets}",
            "-" if way.delays.loss_pct is None else f"{way.delays.loss_pct:.2f}",
            *(f"{way.delays.percentile_ms(percent):.2f}" for percent in (50, 95, 100)),
            str(way.delays.spikes()),
        )
        for way in comparison.directions
    ]
    _print_rows(DELAY_HEADINGS, rows)
    estimate, clock = comparison.estimate, comparison.clock
    if clock.basis == "shared":
        remark = "Clocks taken as one"
        if estimate is not None and estimate.basis == "round-trip":
            remark += f"; the packets suggest an offset of {estimate.offset_ms:+.2f} ms"
    else:
        remark = (
            f"Second clock against the first: {clock.offset_ms:+.2f} ms, "
            f"{clock.skew_ppm:+.2f} ppm (estimated, {clock.basis})"
        )
    out.print(remark + ".", soft_wrap=True)


def _print_rows(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if len(rows) > MANY_STREAMS:
        click.echo("\n".join(_lines(headings, rows)))
        return
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        if heading not in WORDS:
            table.add_column(heading, justify="right", min_width=5)
        elif heading == "SSRC":
            table.add_column(heading, no_wrap=True)
        else:
            table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    out.print(table)


def _lines(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    """The same table as plain lines, whatever the terminal's width."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    pattern = "  ".join(
        f"{{:{'<' if heading in WORDS else '>'}{width}}}"
        for heading, width in zip(headings, widths, strict=True)
    )
    for row in (headings, *rows):
        yield pattern.format(*row).rstrip()
