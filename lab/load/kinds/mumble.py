"""Competing Mumble calls, straight or each over a circuit of its own through Tor."""

from __future__ import annotations

from lab.calls.needs import MURMUR
from lab.lazy import Lazy
from lab.load.kind import LoadKind
from lab.wire.mumble import MAX_USERS

MAX_CALLS = MAX_USERS // 2 - 1
"""Each call has two clients, and the measured one needs room as well."""

LOAD_KIND = LoadKind(
    name="mumble",
    description="other Mumble calls",
    both_ways=True,
    position=30,
    run=Lazy("lab.load.mumble", "mumble_calls"),
    needs=(MURMUR,),
    most={"direct": MAX_CALLS, "tor": MAX_CALLS},
    same_calls={"direct": "mumble", "tor": "m-tor"},
)
