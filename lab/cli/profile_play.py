"""`lab profile play`: what phones of other settings would have made of calls of the field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.counting import counting, jobs_option
from lab.cli.output import err, out, print_json
from lab.cli.playout_words import check_playouts
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.field.phones import Setting


@click.command("play")
@click.argument("path", metavar="PROFILE|DIRECTORY", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--reference",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The clip to play; the directory of any call of the lab has its own, reference.wav.",
)
@click.option("--codec", help="In place of the codec that each call had.")
@click.option(
    "--playout",
    "playouts",
    multiple=True,
    metavar="BUFFER",
    help="fixed:200, adaptive:60, pjsua (the studies'); again for several.",
)
@click.option(
    "--vad",
    "vads",
    multiple=True,
    type=click.Choice(["on", "off"]),
    help="Whether pauses are left out as pjsua does it; again for both.",
)
@jobs_option("Profiles to play at once.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(
    *,
    path: Path,
    reference: Path,
    codec: str | None,
    playouts: tuple[str, ...],
    vads: tuple[str, ...],
    jobs: int,
    as_json: bool,
) -> None:
    """Play the clip through calls of the field, without a network: PESQ at both ends.

    By default with the studies' phones (silence suppression, pjsua's own buffer) and the lab's
    (neither, 200 ms), or with every buffer and silence suppression that are given; each with the
    bursts of the profile and, where they are steady, without. Of a directory it says how many
    calls would have been good, by Tor or not and codec.
    """
    from lab.field.played import play_profiles
    from lab.report.pages import rich_table
    from lab.report.played import (
        groups,
        groups_table,
        notes,
        played_data,
        profile_table,
        unplayed,
    )

    settings, chosen = _settings(playouts, vads), _codec(codec)
    with counting("Playing profiles") as progress:
        done = play_profiles(path, reference, settings, chosen, jobs, progress)
    if as_json:
        print_json(played_data(done))
        return
    if not any(profile.played for profile in done):
        raise LabError("nothing could be played", "\n".join(unplayed(done)))
    if path.is_dir():
        out.print(rich_table(groups_table(groups(done))))
    else:
        out.print(rich_table(profile_table(done[0])))
    for note in notes(done):
        err.print(note, soft_wrap=True)


def _settings(playouts: Sequence[str], vads: Sequence[str]) -> list[Setting]:
    """What is asked for, each with and without bursts."""
    from lab.field.phones import STUDIES, TODAY

    check_playouts(playouts)
    chosen = [STUDIES, TODAY]
    if playouts or vads:
        chosen = [
            replace(TODAY, name="lab", vad=vad == "on", playout=playout)
            for vad, playout in product(vads or ("off",), playouts or (TODAY.playout,))
        ]
    return [replace(one, without_bursts=out) for one in chosen for out in (False, True)]


def _codec(name: str | None) -> str | None:
    from lab.clip.packets import CODECS

    if name is not None and name.upper() not in CODECS:
        raise click.BadParameter(f"{name} is none of {', '.join(CODECS)}", param_hint="--codec")
    return None if name is None else name.upper()
