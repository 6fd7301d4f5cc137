"""W-Tor: WebRTC relayed by TURN over TCP through Tor, over exactly one circuit per call."""

from __future__ import annotations

from lab.calls.measuring_points import ACCESS, CALLEE_ACCESS, CALLEE_EXIT, CALLEE_LINK, EXIT
from lab.calls.method import BothHidden, Method
from lab.calls.needs import CALLEE_TOR_CLIENT, ENDS, TOR_CLIENT, TURN
from lab.calls.talkers import WEBRTC_PHONES
from lab.lazy import Lazy

METHOD = Method(
    name="w-tor",
    system="W-Tor",
    description="WebRTC relayed by TURN over TCP, through Tor",
    position=90,
    way=Lazy("lab.calls.paths.w_tor", "WAY"),
    talkers=WEBRTC_PHONES,
    points=(ACCESS, EXIT, CALLEE_LINK),
    needs=(ENDS, TURN, TOR_CLIENT),
    both_hidden=BothHidden(
        way=Lazy("lab.calls.paths.w_tor_both", "WAY"),
        points=(ACCESS, EXIT, CALLEE_EXIT, CALLEE_ACCESS),
        needs=(CALLEE_TOR_CLIENT,),
    ),
)
