"""Logs of voice packets as the lab's own clients keep them (`lab.agents.voice.log`)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from lab.errors import LabError
from lab.measure.codecs import Codec
from lab.measure.pcap import Ints
from lab.measure.rtp import MIN_PACKETS

CODEC = Codec("OPUS", 48000)
"""What all such clients speak."""


def read_voice_log(path: Path, *columns: str) -> Ints:
    """These columns of a log, one row per packet in its order.

    LabError where the log cannot be read or holds next to nothing.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [[int(row[name]) for name in columns] for row in csv.DictReader(file)]
        packets = np.array(rows, np.int64)
    except (OSError, KeyError, TypeError, ValueError, OverflowError, csv.Error) as error:
        raise LabError(f"{path.name} is no log of voice packets: {error}") from error
    if len(packets) < MIN_PACKETS:
        raise LabError(f"{path.name} holds only {len(packets)} voice packets")
    return packets
