"""Datagrams that IP cut into fragments: which packets belong together, and which are whole."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from lab.measure.capture import Capture
from lab.measure.octets import Flags
from lab.measure.packets import FIRST, LATER

MAX_APART_NS = 30_000_000_000
"""Fragments further apart are of two datagrams: receivers give up by then (RFC 1122, 3.3.2)."""


def datagrams(capture: Capture) -> dict[int, tuple[int, ...]]:
    """For the first fragment of each datagram its later ones, in the order of the file."""
    found: dict[int, list[int]] = {}
    latest: dict[tuple[int, ...], int] = {}
    early: dict[tuple[int, ...], list[int]] = defaultdict(list)
    parts = np.flatnonzero(capture.fragment > 0)
    keys = np.stack(
        [
            column[parts]
            for column in (
                capture.source, capture.destination, capture.protocol, capture.identification,
            )
        ],
        axis=1,
    )  # fmt: skip
    times, later = capture.time_ns[parts].tolist(), (capture.fragment[parts] == LATER).tolist()
    began: dict[int, int] = {}
    for packet, key_row, time_ns, is_later in zip(
        parts.tolist(), keys.tolist(), times, later, strict=True
    ):
        key = tuple(key_row)
        if not is_later:
            # Some systems send the last part first.
            found[packet] = early.pop(key, [])
            latest[key], began[packet] = packet, time_ns
        elif key in latest and abs(time_ns - began[latest[key]]) <= MAX_APART_NS:
            found[latest[key]].append(packet)
        else:
            early[key].append(packet)
    return {first: tuple(rest) for first, rest in found.items()}


def undelivered(capture: Capture) -> Flags:
    """First fragments whose datagram never became whole, and so never reached a phone.

    A capture filter by port lets no later fragment through: where most datagrams lack some,
    the capture is taken to lack them, not the network.
    """
    flags = np.zeros(len(capture), bool)
    if not (capture.fragment == FIRST).any():
        return flags
    lacking = [
        first
        for first, rest in datagrams(capture).items()
        if capture.ip_bytes[first] + capture.ip_bytes[list(rest)].sum()
        < capture.datagram_bytes[first]
    ]
    if 2 * len(lacking) < int(np.sum(capture.fragment == FIRST)):
        flags[lacking] = True
    return flags
