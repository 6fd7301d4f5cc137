"""ViSQOL in its speech mode: how alike two spectrograms are, piece by piece.

Chinen et al., "ViSQOL v3: An Open Source Production Ready Objective Speech and Audio Metric",
QoMEX 2020; PyPI `visqol-python`, a port of Google's C++ program, with its lattice mapper (that
program's own default), weights in the wheel. It looks for each piece of the clip by itself, so
what is late between two pieces costs little (docs/opinions.md).
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from lab.errors import LabError
from lab.lazy import Lazy
from lab.measure.opinion import RATE_HZ, Opinion, Pair


def rate(pair: Pair) -> float:
    """MOS-LQO of the stretch that was heard against the clip, 1 to 5."""
    try:
        return float(_api().measure_from_arrays(pair.clip, pair.heard, RATE_HZ).moslqo)
    except ValueError as error:
        raise LabError(f"ViSQOL could not compare the audio: {error}") from error


@cache
def _api() -> Any:
    # It warns of lengths that differ, as they do here by design.
    logging.getLogger("visqol").setLevel(logging.ERROR)
    from visqol import VisqolApi  # noqa: PLC0415 - loads the lattice's interpreter

    api = VisqolApi()
    api.create(mode="speech", use_lattice_model=True)
    return api


OPINION = Opinion(
    name="visqol",
    title="ViSQOL",
    description="ViSQOL v3, speech mode, lattice mapper; 30 s of CPU per 30 s",
    position=40,
    tolerance=0.1,
    packages=("visqol-python", "ai-edge-litert"),
    modules=("visqol", "ai_edge_litert"),
    rate=Lazy(__name__, "rate"),
)
