"""`lab profile`: what a real call's packets met, to be met again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from lab.cli.counting import counting, jobs_option
from lab.cli.output import err, out, print_json
from lab.cli.profile_play import command as play
from lab.errors import LabError, UsageError

if TYPE_CHECKING:
    from lab.field.profiles import Wanted
    from lab.measure.profile import Profile, VoiceWay

capture = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def command() -> None:
    """Make and show profiles: the delay and loss of every voice packet of one call."""


command.add_command(play)


@command.command()
@click.argument(
    "captures",
    metavar="CALLER.PCAP CALLEE.PCAP | DIRECTORY",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
)
@click.option(
    "-o",
    "--out",
    "target",
    required=True,
    type=click.Path(path_type=Path),
    help="The profile to write, .json; of a directory of calls: the directory to write them to.",
)
@click.option(
    "--clocks",
    type=click.Choice(["auto", "shared", "separate"]),
    default="auto",
    show_default=True,
    help="Whether both captures were taken on one clock.",
)
@click.option(
    "--without-bursts",
    is_flag=True,
    help="As if no socket had held small segments back: packets do not wait for steady bursts.",
)
@click.option("--caller-recording", type=capture, help="What the caller heard, WAV.")
@click.option("--callee-recording", type=capture, help="What the callee heard, WAV.")
@click.option("--reference", type=capture, help="The clip that both ends played, WAV.")
@jobs_option("Of a directory: profiles to make at once.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def make(
    *,
    captures: tuple[Path, ...],
    target: Path,
    clocks: str,
    without_bursts: bool,
    caller_recording: Path | None,
    callee_recording: Path | None,
    reference: Path | None,
    jobs: int,
    as_json: bool,
) -> None:
    """Make a profile of one call that was captured at both ends, or of every call in a directory.

    Where the clocks are not known to be one, their offset is estimated from the fastest packets
    both ways, and said. With recordings and their reference it holds the call's PESQ, too, beside
    which that of a replay is set. Calls of a DIRECTORY are found as `lab field` finds them, with
    their recordings; those that give no profile are named and left out.
    """
    from lab.field.layout import EndFiles
    from lab.field.profiles import Wanted, profile_of
    from lab.measure.clocks import Clocks
    from lab.measure.profile_file import write_profile

    recordings = (caller_recording, callee_recording)
    if len(captures) == 1 and captures[0].is_dir():
        if any(recordings):
            raise UsageError("The recordings of a directory's calls are in it", "Give --reference.")
        wanted = Wanted(Clocks(clocks), without_bursts, reference)
        _make_tree(captures[0], target, wanted, jobs, as_json)
        return
    if len(captures) != 2 or any(path.is_dir() for path in captures):
        raise UsageError(
            "A profile is made of two captures of one call, the caller's and the callee's",
            "Or of every call in one directory.",
        )
    if (reference is None) != (recordings == (None, None)):
        raise UsageError(
            "PESQ needs a recording and the clip that was played",
            "Give --reference with --caller-recording or --callee-recording, or neither.",
        )
    ends = [EndFiles(*files) for files in zip(captures, recordings, strict=True)]
    profile = profile_of(ends[0], ends[1], Wanted(Clocks(clocks), without_bursts, reference))
    write_profile(profile, target)
    _tell(profile, as_json)
    err.print(f"{target}: `lab call sip --profile {target}` sends a call through it")


def _make_tree(root: Path, target: Path, wanted: Wanted, jobs: int, as_json: bool) -> None:
    from lab.field.profiles import make_profiles

    with counting("Making profiles") as progress:
        done = make_profiles(root, target, wanted, jobs, progress)
    for one in done:
        if one.file is None:
            err.print(f"{one.name} is left out: {one.reason}.", soft_wrap=True)
    made = [one for one in done if one.file is not None]
    if as_json:
        print_json([asdict(one) for one in done])
    else:
        out.print(f"{len(made)} profiles of {len(done)} calls in {target}", soft_wrap=True)
    if not made:
        raise LabError(f"no call in {root} gave a profile")


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
            "without_bursts": list(profile.without_bursts),
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
    if profile.without_bursts:
        names = " and ".join(name.replace("_", " ") for name in profile.without_bursts)
        out.print(f"A model: {names}, packets do not wait for the bursts that they came in.")
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
