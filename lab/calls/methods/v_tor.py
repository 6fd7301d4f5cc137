"""V-Tor: OpenVPN in TCP mode through Tor, over exactly one circuit per call."""

from __future__ import annotations

from lab.calls.measuring_points import ACCESS, CALLEE_LINK, EXIT, TUNNEL
from lab.calls.method import Method
from lab.calls.needs import ENDS, EXTENSIONS, TOR_CLIENT, VPN_CLIENT, VPN_SERVER
from lab.calls.talkers import PHONES
from lab.lazy import Lazy

METHOD = Method(
    name="v-tor",
    system="V-Tor",
    description="SIP and RTP inside an OpenVPN tunnel through Tor",
    position=30,
    way=Lazy("lab.calls.paths.v_tor", "WAY"),
    talkers=PHONES,
    points=(TUNNEL, ACCESS, EXIT, CALLEE_LINK),
    needs=(ENDS, EXTENSIONS, VPN_SERVER, VPN_CLIENT, TOR_CLIENT),
)
