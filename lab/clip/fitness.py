"""Whether a clip is fit to score calls with: found out once per clip, kept with the results.

What is kept spares seconds and enters no record.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import storage
from lab.clip.ceiling import ceiling, clip_hash
from lab.errors import LabError
from lab.measure.wav import Wav, read_wav

log = logging.getLogger(__name__)


def check_fitness(reference: Path, other_speech: Sequence[Wav] = ()) -> None:
    """LabError where the clip is no speech, or where what is not the clip is taken for it.

    `other_speech` must not be taken for the clip either.
    """
    clip = read_wav(reference)
    file = storage.results_directory() / "ceilings" / f"{clip_hash(clip)}.json"
    if file.exists():
        return
    found = ceiling(clip, others=other_speech)
    if not found.trustworthy:
        raise LabError(
            f"{reference.name} is no clip to score calls with: its own controls are not told apart",
            "Take a clip of 8 to 30 s of speech with pauses (ITU-T P.862.3).",
        )
    for failure in found.failed:
        log.warning("the ceiling of a codec is not known: %s", failure)
    if not found.failed:
        _keep(file, found.to_dict())


def _keep(file: Path, found: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(found, indent=2), encoding="utf-8")
    unfinished.replace(file)
