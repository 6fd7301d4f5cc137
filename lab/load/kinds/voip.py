"""Competing G.711 calls, straight or each in a tunnel of its own through Tor."""

from __future__ import annotations

from lab.calls.needs import VPN_SERVER
from lab.lazy import Lazy
from lab.load.kind import LoadKind

MAX_TUNNELS = 250
"""`lab.load.tunnels` gives each an address at both ends, of a /24 at either."""

LOAD_KIND = LoadKind(
    name="voip",
    description="other SIP calls",
    both_ways=True,
    position=20,
    run=Lazy("lab.load.calls", "calls"),
    needs=(VPN_SERVER,),
    most={"tor": MAX_TUNNELS},
    same_calls={"direct": "sip", "tor": "v-tor"},
    paper_table=3,
)
