"""V-Onion: OpenVPN in TCP mode to the VPN server's onion service, met afresh by each call."""

from __future__ import annotations

from lab.calls.measuring_points import (
    ACCESS,
    CALLEE_LINK,
    PBX_CALLEE_LEG,
    PBX_CALLER_LEG,
    SERVICE,
    TUNNEL,
)
from lab.calls.method import Method
from lab.calls.needs import ENDS, EXTENSIONS, TOR_CLIENT, VPN_CLIENT, VPN_ONION, VPN_SERVER
from lab.calls.talkers import PHONES
from lab.lazy import Lazy

METHOD = Method(
    name="v-onion",
    system="V-Onion",
    description="SIP and RTP inside an OpenVPN tunnel to an onion service",
    position=60,
    way=Lazy("lab.calls.paths.v_onion", "WAY"),
    talkers=PHONES,
    points=(TUNNEL, ACCESS, SERVICE, PBX_CALLER_LEG, PBX_CALLEE_LEG, CALLEE_LINK),
    needs=(ENDS, EXTENSIONS, VPN_SERVER, VPN_CLIENT, TOR_CLIENT, VPN_ONION),
    available_measured=False,
)
