"""The analysis of one call: packets and audio of both ends, and a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.field.ceilings import ceilings
from lab.field.layout import CallFiles
from lab.field.packets import packet_findings
from lab.field.row import CallRow
from lab.field.study_score import study_score
from lab.measure.score import Score, score
from lab.measure.wav import Wav

SILENT_DB = -70.0
"""A recording below this active level holds no speech: G.711's idle noise is at -68 dB."""


def analyse_call(
    files: CallFiles, reference: Wav, channel: int | None = None, as_studied: bool = False
) -> CallRow:
    """Everything that can be said of one call. Files that cannot be read give reasons.

    `channel` is that of the recordings which was received, from 1, where they have several;
    `as_studied` asks for the score that the study's own program gives beside the right one. A call
    failed where an end received nothing: neither RTP packets nor sound.
    """
    packets = packet_findings(files)
    columns: dict[str, Any] = dict(packets.columns)
    reasons, remarks = list(packets.reasons), list(packets.remarks)
    heard: dict[str, bool] = {}
    for end, path in (("caller", files.caller.recording), ("callee", files.callee.recording)):
        try:
            scored = _score(reference, path, channel)
        except LabError as error:
            reasons.append(f"{end}: {error.message.rstrip('.')}")
            heard[end] = False
            continue
        heard[end] = scored.level_db > SILENT_DB
        columns |= _score_columns(end, scored)
        if as_studied and path is not None:
            columns[f"{end}_header_pesq_raw"] = study_score(Path(reference.name), path)
        reasons += [f"{end}: {reason}" for reason in scored.reasons]
        remarks += [f"{end}: {remark}" for remark in scored.remarks]
    for end, voice in packets.voice_to.items():
        reached = ceilings(reference, voice, files.codec)
        columns[f"{end}_codec_ceiling_mos"] = reached.codec_mos
        columns[f"{end}_ceiling_mos"] = reached.call_mos
    deaf = [end for end in heard if not heard[end] and not packets.received.get(end, False)]
    if deaf:
        columns = _without_quality(columns)
    return CallRow(
        iteration_no=files.iteration_no,
        tor_status=files.tor_status,
        location=files.location,
        codec=files.codec,
        series=files.series,
        status="failed" if deaf else "ok",
        reason=f"{' and '.join(deaf)} received nothing" if deaf else "",
        valid=not deaf and not reasons,
        invalid_reasons="; ".join(reasons),
        remarks="; ".join(remarks),
        **columns,
    )


def unfinished_row(files: CallFiles, reason: str) -> CallRow:
    """The row of a call whose analysis itself did not finish."""
    return CallRow(
        iteration_no=files.iteration_no,
        tor_status=files.tor_status,
        location=files.location,
        codec=files.codec,
        series=files.series,
        status="failed",
        reason=reason,
        valid=False,
    )


def _score(reference: Wav, path: Path | None, channel: int | None) -> Score:
    if path is None:
        raise LabError("there is no recording")
    return score(reference, path, channel=channel)


def _score_columns(end: str, scored: Score) -> dict[str, Any]:
    return {
        f"{end}_pesq_raw": scored.pesq_raw,
        f"{end}_pesq_mos": scored.pesq_mos,
        f"{end}_score_valid": scored.valid,
        f"{end}_found_share": scored.found_share,
        f"{end}_audio_delay_ms": scored.delay_ms,
        f"{end}_missing_share": scored.damage.missing_share,
        f"{end}_longest_gap_ms": scored.damage.longest_gap_ms,
    }


def _without_quality(columns: dict[str, Any]) -> dict[str, Any]:
    """A failed call has no quality: the study stored 0, which then entered its averages."""
    return {
        name: value
        for name, value in columns.items()
        if "_pesq_" not in name and "_ceiling_" not in name
    }
