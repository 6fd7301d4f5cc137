"""SIP via VPN: the same call inside an OpenVPN TCP tunnel, without Tor."""

from __future__ import annotations

from lab.calls.measuring_points import (
    ACCESS,
    CALLEE_LINK,
    EXIT,
    PBX_CALLEE_LEG,
    PBX_CALLER_LEG,
    TUNNEL,
)
from lab.calls.method import Method
from lab.calls.needs import ENDS, EXTENSIONS, VPN_CLIENT, VPN_SERVER
from lab.calls.talkers import PHONES
from lab.lazy import Lazy

METHOD = Method(
    name="vpn",
    system="SIP via VPN",
    description="SIP and RTP inside an OpenVPN tunnel over TCP, without Tor",
    position=20,
    way=Lazy("lab.calls.paths.vpn", "WAY"),
    talkers=PHONES,
    points=(TUNNEL, ACCESS, EXIT, PBX_CALLER_LEG, PBX_CALLEE_LEG, CALLEE_LINK),
    needs=(ENDS, EXTENSIONS, VPN_SERVER, VPN_CLIENT),
)
