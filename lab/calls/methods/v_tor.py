"""V-Tor: OpenVPN in TCP mode through Tor, over exactly one circuit per call."""

from __future__ import annotations

from lab.calls.measuring_points import (
    ACCESS,
    CALLEE_ACCESS,
    CALLEE_EXIT,
    CALLEE_LINK,
    CALLEE_TUNNEL,
    EXIT,
    PBX_CALLEE_LEG,
    PBX_CALLER_LEG,
    TUNNEL,
)
from lab.calls.method import BothHidden, Method
from lab.calls.needs import (
    CALLEE_TOR_CLIENT,
    CALLEE_VPN_CLIENT,
    ENDS,
    EXTENSIONS,
    TOR_CLIENT,
    VPN_CLIENT,
    VPN_SERVER,
)
from lab.calls.talkers import PHONES
from lab.lazy import Lazy

METHOD = Method(
    name="v-tor",
    system="V-Tor",
    description="SIP and RTP inside an OpenVPN tunnel through Tor",
    position=30,
    way=Lazy("lab.calls.paths.v_tor", "WAY"),
    talkers=PHONES,
    points=(TUNNEL, ACCESS, EXIT, PBX_CALLER_LEG, PBX_CALLEE_LEG, CALLEE_LINK),
    needs=(ENDS, EXTENSIONS, VPN_SERVER, VPN_CLIENT, TOR_CLIENT),
    both_hidden=BothHidden(
        way=Lazy("lab.calls.paths.v_tor_both", "WAY"),
        points=(
            TUNNEL,
            ACCESS,
            EXIT,
            PBX_CALLER_LEG,
            PBX_CALLEE_LEG,
            CALLEE_EXIT,
            CALLEE_ACCESS,
            CALLEE_TUNNEL,
        ),
        needs=(CALLEE_VPN_CLIENT, CALLEE_TOR_CLIENT),
    ),
    several=Lazy("lab.calls.paths.several", "way_of"),
)
