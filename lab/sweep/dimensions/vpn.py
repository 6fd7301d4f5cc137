"""How OpenVPN protects its data channel: two keys of the topology that go together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lab.calls.methods import METHODS
from lab.calls.needs import VPN_CLIENT
from lab.sweep.dimension import Coordinate, Dimension, measured
from lab.sweep.dimensions.load import LOAD_KIND, NONE
from lab.sweep.point import Point
from lab.sweep.written import Key, Keys, text_like

PATTERN = r"^[A-Za-z0-9-]{1,40}$"

CIPHER: Coordinate[str | None] = Coordinate(
    "cipher", None, words=lambda name: "no cipher" if name == "none" else name, note=measured
)
"""None leaves the topology's own."""
DIGEST: Coordinate[str | None] = Coordinate(
    "digest", None, words=lambda name: "no digest" if name == "none" else name, note=measured
)


def _parse(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(PATTERN, value, re.ASCII):
        raise ValueError("cannot be the name of a cipher or a digest")
    return value


def _topology(point: Point) -> Mapping[str, Any]:
    if point[CIPHER] is None:
        return {}
    return {"vpn.cipher": point[CIPHER], "vpn.digest": point[DIGEST]}


def _normalise(point: Point) -> Point:
    """A call without a tunnel beside no load meets no data channel."""
    method = METHODS.named(point.method)
    meets_one = VPN_CLIENT in method.needs or point[LOAD_KIND] != NONE
    return point if meets_one else point.but(cipher=None, digest=None)


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
    normalise=_normalise,
    topology=_topology,
    choice="cipher",
    may_fit=True,
)
