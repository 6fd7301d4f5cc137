"""How OpenVPN protects its data channel: two keys of the topology that go together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lab.sweep.dimension import Coordinate, Dimension, measured
from lab.sweep.point import Point
from lab.sweep.written import Key, Keys, text_like

PATTERN = r"^[A-Za-z0-9-]{1,40}$"

CIPHER: Coordinate[str | None] = Coordinate("cipher", None, note=measured)
"""None leaves the topology's own."""
DIGEST: Coordinate[str | None] = Coordinate("digest", None, note=measured)


def _parse(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(PATTERN, value, re.ASCII):
        raise ValueError("cannot be the name of a cipher or a digest")
    return value


def _topology(point: Point) -> Mapping[str, Any]:
    if point[CIPHER] is None:
        return {}
    return {"vpn.cipher": point[CIPHER], "vpn.digest": point[DIGEST]}


def _label(point: Point) -> str | None:
    return None if point[CIPHER] is None else f"{point[CIPHER]}-{point[DIGEST]}"


DIMENSION = Dimension(
    name="vpn",
    description="Ciphers and digests to vary; absent: the topology's own.",
    position=120,
    turns=10,
    coordinates=(CIPHER, DIGEST),
    written=Keys(
        "How OpenVPN protects the data channel.",
        {
            "cipher": Key(_parse, text_like(PATTERN), "The cipher (`--data-ciphers`), or none."),
            "digest": Key(
                _parse,
                text_like(PATTERN),
                "The HMAC (`--auth`), or none; without effect under a GCM cipher.",
                usual="SHA1",
            ),
        },
        lambda written: [(written["cipher"], written["digest"])],
    ),
    usual=None,
    label=_label,
    topology=_topology,
    choice="cipher",
    may_fit=True,
)
