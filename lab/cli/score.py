"""`lab score`: is the recording the clip, and how good does it sound?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from lab.cli.output import out, print_json
from lab.cli.quantities import quantity
from lab.topology.units import parse_call_s

if TYPE_CHECKING:
    from lab.measure.score import Score


@click.command()
@click.argument("reference", type=click.Path(path_type=Path))
@click.argument("recording", type=click.Path(path_type=Path))
@click.option(
    "--duration",
    metavar="DURATION",
    help="How long REFERENCE was played, such as 4m: repeated, or cut. Default: find out.",
)
@click.option(
    "--channel",
    type=click.IntRange(min=1),
    help="Of a recording with several: the one that was received, from 1. Default: find out.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(
    reference: Path, recording: Path, duration: str | None, channel: int | None, as_json: bool
) -> None:
    """Score RECORDING against REFERENCE, the clip that was played (both WAV).

    The score is `valid` only where the recording is proven to be the clip, delayed: PESQ alone
    gives up to 4.5 to the wrong audio. Exit status 0 whether valid or not, 1 where a file
    cannot be scored at all.
    """
    from lab.measure.score import score

    call_s = quantity("--duration", duration, parse_call_s)
    result = score(reference, recording, call_s, channel=channel)
    if as_json:
        print_json(result.to_dict())
    else:
        _show(result)


def _show(result: Score) -> None:
    table = Table(show_header=False, box=None)
    verdict = "yes" if result.valid else "NO"
    rows = [
        ("valid", verdict),
        *(("", reason) for reason in result.reasons),
        ("PESQ raw (P.862)", _number(result.pesq_raw, 3)),
        ("MOS-LQO (P.862.1)", _number(result.pesq_mos, 3)),
        ("MOS-LQO wide-band (P.862.2)", _number(result.pesq_wb_mos, 3)),
        ("delay", f"{_number(result.delay_ms, 1)} ms"),
        (
            "speech found",
            f"{result.found_share:.0%} ({result.segments_found} of {result.segments} pieces)",
        ),
        ("speech missing", _percent(result.damage.missing_share)),
        ("speech altered", _percent(result.damage.altered_share)),
        ("gaps, longest", f"{result.damage.gaps}, {_number(result.damage.longest_gap_ms, 0)} ms"),
        *(("remark", remark) for remark in result.remarks),
    ]
    for name, value in rows:
        table.add_row(name, value)
    out.print(table)
    if result.windows:
        _show_windows(result)


def _show_windows(result: Score) -> None:
    table = Table("from s", "to s", "PESQ raw", "MOS-LQO", "speech found", box=None)
    for window in result.windows:
        table.add_row(
            f"{window.start_s:.1f}",
            f"{window.end_s:.1f}",
            _number(window.pesq_raw, 3),
            _number(window.pesq_mos, 3),
            f"{window.found_share:.0%}",
        )
    out.print(table)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
