"""What a clip can reach without any network: computed once per clip, kept with the results."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab import storage
from lab.clip.ceiling import Point, ceiling, clip_hash
from lab.clip.offline_codec import CODINGS, CodecError, apply_codec
from lab.errors import LabError
from lab.measure.score import score
from lab.measure.wav import Wav, read_wav

log = logging.getLogger(__name__)


def ceiling_of(
    reference: Path, other_speech: Callable[[], Sequence[Wav]] = tuple
) -> dict[str, Any]:
    """Ceiling and negative controls of the clip (see `lab.clip.ceiling.Ceiling`).

    Taken from the results if they are there, otherwise computed (some seconds) and kept; only
    then is `other_speech` asked for, which must not be taken for the clip either.
    LabError where the clip is no speech, or where its controls are taken for the clip.
    """
    clip = read_wav(reference)
    file = _kept_at(clip)
    if file.exists():
        kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return kept
    found = ceiling(clip, others=other_speech()).to_dict()
    if not found["trustworthy"]:
        raise LabError(
            f"{reference.name} is no clip to score calls with: its own controls are not told apart",
            "Take a clip of 8 to 30 s of speech with pauses (ITU-T P.862.3).",
        )
    for failure in found["failed"]:
        log.warning("the ceiling of a codec is not known: %s", failure)
    if not found["failed"]:
        _keep(file, found)
    return found


def ceiling_mos(
    reference: Path, codec: str, bitrate_kbps: int | None = None, played_s: float | None = None
) -> float | None:
    """The MOS-LQO of the clip through `codec` alone, at that rate where the codec takes one.

    Of its first `played_s` where no more was played. None where this host cannot apply the
    codec, or failed to. Like the ceiling itself, computed once and kept.
    """
    found = ceiling_of(reference)
    clip = read_wav(reference)
    name = codec if bitrate_kbps is None else f"{codec} at {bitrate_kbps} kbit/s"
    played = clip
    if played_s is not None and played_s < clip.duration_s:
        played = clip.played_for(played_s)
        name += f", the first {played_s:g} s"
    for point in found["codecs"]:
        if point["name"] == name:
            mos: float | None = point["pesq_mos"]
            return mos
    if codec not in CODINGS or codec in found["unavailable"]:
        return None
    try:
        coded = apply_codec(codec, played, bitrate_kbps)
    except CodecError as error:
        log.warning("the ceiling of %s is not known: %s", codec, error.message)
        return None
    if coded is None:
        return None
    result = score(played, coded)
    point = Point(name, result.pesq_raw, result.pesq_mos, result.valid)
    _keep(_kept_at(clip), found | {"codecs": [*found["codecs"], asdict(point)]})
    return result.pesq_mos


def _kept_at(clip: Wav) -> Path:
    return storage.results_directory() / "ceilings" / f"{clip_hash(clip)}.json"


def _keep(file: Path, found: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(found, indent=2), encoding="utf-8")
    unfinished.replace(file)
