"""`lab replay`: the packets of a call through another playout buffer, afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli.output import doing, err, out, print_json
from lab.cli.playout_words import check_playouts
from lab.ends import EACH_END
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.measure.playout.replay import Outcome, Replay, Voice
    from lab.measure.wav import Wav

CAPTURES = (".pcap", ".pcapng", ".cap")


@dataclass(frozen=True, slots=True)
class Source:
    """What is replayed."""

    name: str
    directory: Path
    """Where figures go if nobody chooses."""
    voices: tuple[Voice, ...]
    reference: Wav | None
    heard: dict[str, Any]
    """By end, what the phone itself recorded came to; empty for captures."""


@click.command("replay")
@click.argument("name", metavar="CALL|CAPTURE")
@click.option(
    "--playout",
    "playouts",
    multiple=True,
    metavar="BUFFER",
    help="fixed:60, fixed:200, adaptive:60, pjsua (its defaults); again for several. "
    "Default: a ladder of depths, and both adaptive ones.",
)
@click.option(
    "--reference",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The clip that was played; a call of the lab has its own.",
)
@click.option("--to", "towards", metavar="ADDRESS", help="Of a capture: only voice to it.")
@click.option(
    "--figures",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to draw replay.png and .svg. Default: the call's directory, or here.",
)
@click.option(
    "--audio",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write what would have been heard into this directory, as WAV.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, with all stalls.")
def command(
    *,
    name: str,
    playouts: tuple[str, ...],
    reference: Path | None,
    towards: str | None,
    figures: Path | None,
    audio: Path | None,
    as_json: bool,
) -> None:
    """Play the packets of a call again, through any playout buffer.

    Tells PESQ, delay and stalls, and draws them against the buffer's depth. CALL is a call's id,
    its directory, or an archive or a bundle of it (BUNDLE:CALL where that holds several); CAPTURE a
    capture of one end. Frames are decoded as they came, through pjmedia's jitter buffer and
    concealment, and scored like a phone's recording. Says at which depth the call would have been
    good (PESQ above 3).
    """
    from lab.measure.playout.replay import LADDER, replay
    from lab.report.files import write_drawings
    from lab.report.replay_figures import draw_replays

    words = playouts or LADDER
    check_playouts(words)
    with _source(name, reference, towards) as source, doing("replaying ...") as say:
        done = []
        for voice in source.voices:
            say(f"replaying {_received(voice.end)} ...")
            result, heard = replay(voice, words, source.reference)
            done.append(result)
            if audio is not None:
                _write_audio(audio, voice.end, heard)
        drawn: list[Path] = []
        if any(len([one for one in each.outcomes if one.depth_ms]) > 1 for each in done):
            drawn = write_drawings([draw_replays("replay", done)], figures or source.directory)
    if as_json:
        print_json(
            {
                "name": source.name,
                "recorded": source.heard,
                "ends": [each.to_dict() for each in done],
                "figures": [str(path) for path in drawn],
            }
        )
        return
    for each in done:
        _show(each, source)
    for path in drawn:
        err.print(f"Drew {path}", soft_wrap=True)


@contextmanager
def _source(name: str, reference: Path | None, towards: str | None) -> Iterator[Source]:
    from lab.measure.wav import read_wav
    from lab.store.kept import kept_calls
    from lab.store.reading import read_store

    clip = read_wav(reference) if reference else None
    path = Path(name)
    if path.is_file() and path.suffix in CAPTURES:
        yield _of_capture(path, clip, towards)
        return
    with read_store() as store, kept_calls([name], store) as kept:
        if len(kept) != 1:
            raise LabError(
                f"{name} stands for {len(kept)} calls; name one of them",
                f"Of an archive as {name}:CALL." if path.is_file() else "",
            )
        yield _of_call(kept[0].directory, kept[0].artefacts, clip)


def _of_call(directory: Path, artefacts: Path, clip: Wav | None) -> Source:
    from lab.measure.call.replays import call_voices, recorded
    from lab.measure.wav import read_wav

    return Source(
        directory.name,
        artefacts if artefacts.is_dir() else Path.cwd(),
        call_voices(directory),
        clip or read_wav(directory / "reference.wav"),
        recorded(directory),
    )


def _of_capture(path: Path, clip: Wav | None, towards: str | None) -> Source:
    from lab.measure.playout.captured import capture_voices

    return Source(str(path), Path.cwd(), capture_voices(path, towards), clip, {})


def _write_audio(directory: Path, end: str, heard: dict[str, Wav]) -> None:
    import soundfile

    try:
        directory.mkdir(parents=True, exist_ok=True)
        for word, wav in heard.items():
            file = directory / f"{end.replace(':', '_')}-{word.replace(':', '-')}.wav"
            soundfile.write(file, wav.samples, wav.rate_hz, subtype="PCM_16")
            err.print(f"Wrote {file}", soft_wrap=True)
    except (OSError, RuntimeError) as error:
        raise LabError(f"{directory} cannot be written: {error}.") from error


def _show(one: Replay, source: Source) -> None:
    from rich.table import Table

    out.print(f"{source.name}: {_received(one.end)}, {one.codec}", soft_wrap=True)
    if one.mute:
        err.print(f"No PESQ of {_received(one.end)}: {one.mute}.", soft_wrap=True)
    table = Table(box=None, header_style="bold")
    table.add_column("playout")
    for heading in (
        "PESQ", "delay ms", "95 %", "in buffer", "stalls", "ms in all", "longest", "late %",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for outcome in one.outcomes:
        table.add_row(*_cells(outcome))
    out.print(table)
    if one.end in source.heard:
        playout, mos = source.heard[one.end]
        out.print(f"the phone itself, {playout}: {'-' if mos is None else f'{mos:.2f}'}")
    told = []
    if one.mute is None:
        told.append(
            "good at none of these depths"
            if one.good_ms is None
            else f"good from {one.good_ms} ms, and as good as any from {one.best_ms} ms"
        )
    if one.unbroken_ms is not None:
        told.append(f"without a stall from {one.unbroken_ms} ms")
    if told and any(outcome.depth_ms for outcome in one.outcomes):
        out.print(f"of fixed buffers: {'; '.join(told)}")


def _received(end: str) -> str:
    return f"what the {end} received" if end in EACH_END else f"what {end} received"


def _cells(outcome: Outcome) -> tuple[str, ...]:
    stalls = outcome.stalls
    mos = "-" if outcome.pesq_mos is None else f"{outcome.pesq_mos:.2f}"
    return (
        outcome.playout,
        mos if outcome.score_valid in (None, True) else f"{mos}?",
        f"{outcome.delay_ms_p50:.0f}",
        f"{outcome.delay_ms_p95:.0f}",
        f"{outcome.waited_ms_p50:.0f}",
        str(len(stalls.stalls)),
        f"{stalls.ms_total:.0f}",
        f"{stalls.ms_max:.0f}",
        f"{stalls.late_pct:.2f}",
    )
