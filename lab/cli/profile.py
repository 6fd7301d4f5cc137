"""`lab profile`: what a real call's packets met, to be met again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from lab.cli.output import err, out, print_json
from lab.errors import UsageError

if TYPE_CHECKING:
    from lab.measure.profile import Profile, VoiceWay

capture = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def command() -> None:
    """Make and show profiles: the delay and loss of every voice packet of one call."""


@command.command()
@click.argument("caller", metavar="CALLER.PCAP", type=capture)
@click.argument("callee", metavar="CALLEE.PCAP", type=capture)
@click.option(
    "-o",
    "--out",
    "file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The profile to write, .json.",
)
@click.option(
    "--clocks",
    type=click.Choice(["auto", "shared", "separate"]),
    default="auto",
    show_default=True,
    help="Whether both captures were taken on one clock.",
)
@click.option("--caller-recording", type=capture, help="What the caller heard, WAV.")
@click.option("--callee-recording", type=capture, help="What the callee heard, WAV.")
@click.option("--reference", type=capture, help="The clip that both ends played, WAV.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def make(
    caller: Path,
    callee: Path,
    file: Path,
    clocks: str,
    caller_recording: Path | None,
    callee_recording: Path | None,
    reference: Path | None,
    as_json: bool,
) -> None:
    """Make a profile of one call that was captured at both ends.

    Where the clocks are not known to be one, their offset is estimated from the fastest packets
    both ways, and said. With recordings and their reference it holds the call's PESQ, too, beside
    which that of a replay is set.
    """
    if (reference is None) != (caller_recording is None and callee_recording is None):
        raise UsageError(
            "PESQ needs a recording and the clip that was played",
            "Give --reference with --caller-recording or --callee-recording, or neither.",
        )
    from dataclasses import replace

    from lab.measure.capture import read_capture
    from lab.measure.clocks import Clocks
    from lab.measure.profile import HeardMos, make_profile
    from lab.measure.profile_file import write_profile
    from lab.measure.rtp import streams
    from lab.measure.score import score

    found = [streams(read_capture(path)) for path in (caller, callee)]
    profile = make_profile(found[0], found[1], (str(caller), str(callee)), Clocks(clocks))
    if reference is not None:
        heard = [
            None if recording is None else score(reference, recording).pesq_mos
            for recording in (caller_recording, callee_recording)
        ]
        profile = replace(profile, pesq_mos=HeardMos(*heard))
    write_profile(profile, file)
    _tell(profile, as_json)
    err.print(f"{file}: `lab call sip --profile {file}` sends a call through it", markup=False)


@command.command()
@click.argument("file", type=capture)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def show(file: Path, as_json: bool) -> None:
    """Show what is in a profile."""
    from lab.measure.profile_file import read_profile

    _tell(read_profile(file), as_json)


def _tell(profile: Profile, as_json: bool) -> None:
    callee_mos, caller_mos = (getattr(profile.pesq_mos, end, None) for end in ("callee", "caller"))
    ways = {
        "to_callee": (profile.to_callee, callee_mos),
        "to_caller": (profile.to_caller, caller_mos),
    }
    if as_json:
        values: dict[str, Any] = {
            "made_from": list(profile.made_from),
            "clock": {
                "basis": profile.clock.basis,
                "offset_ms": profile.clock.offset_ms,
                "skew_ppm": profile.clock.skew_ppm,
            },
        }
        print_json(values | {name: _summary(*way) for name, way in ways.items()})
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in ways:
        table.add_column(name.replace("_", " "), justify="right")
    summaries = [_summary(*way) for way in ways.values()]
    for key in summaries[0]:
        table.add_row(key.replace("_", " "), *(_text(summary[key]) for summary in summaries))
    out.print(table)
    clock = profile.clock
    out.print(
        "The two captures' clocks are taken as one."
        if clock.basis == "shared"
        else f"The callee's clock against the caller's: {clock.offset_ms:+.2f} ms, "
        f"{clock.skew_ppm:+.2f} ppm (estimated, {clock.basis})."
    )


def _summary(way: VoiceWay, pesq_mos: float | None) -> dict[str, Any]:
    bursts = way.bursts
    return {
        "codec": way.codec,
        "ptime_ms": way.ptime_ms,
        "packets": len(way.at_us),
        "duration_s": way.duration_s,
        "loss_pct": way.loss_pct,
        "owd_ms_p50": way.percentile_ms(50),
        "owd_ms_p95": way.percentile_ms(95),
        "owd_ms_max": way.percentile_ms(100),
        "jitter_ms_mean": way.jitter_mean_ms,
        "burst_mean": bursts.mean,
        "burst_share": bursts.share,
        "burst_gap_ms_p50": bursts.gap_ms_p50,
        "pesq_mos": pesq_mos,
    }


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "-" if value is None else str(value)
