"""Direct SIP: voice over UDP; the Tor hosts on the way only forward its packets."""

from __future__ import annotations

from lab.calls.measuring_points import ACCESS, CALLEE_LINK, EXIT, PBX_CALLEE_LEG, PBX_CALLER_LEG
from lab.calls.method import Method
from lab.calls.needs import ENDS, EXTENSIONS
from lab.calls.talkers import PHONES
from lab.lazy import Lazy

METHOD = Method(
    name="sip",
    system="direct SIP",
    description="SIP and RTP straight to the PBX, past Tor and VPN",
    position=10,
    way=Lazy("lab.calls.paths.sip", "WAY"),
    talkers=PHONES,
    points=(ACCESS, EXIT, PBX_CALLER_LEG, PBX_CALLEE_LEG, CALLEE_LINK),
    needs=(ENDS, EXTENSIONS),
    replays=True,
)
