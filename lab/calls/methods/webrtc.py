"""Direct WebRTC: relayed by TURN over TCP, straight; the Tor hosts only forward packets."""

from __future__ import annotations

from lab.calls.measuring_points import ACCESS, CALLEE_LINK, EXIT
from lab.calls.method import Method
from lab.calls.needs import ENDS, TURN
from lab.calls.talkers import WEBRTC_PHONES
from lab.lazy import Lazy

METHOD = Method(
    name="webrtc",
    system="direct WebRTC",
    description="WebRTC relayed by TURN over TCP, past Tor",
    position=80,
    way=Lazy("lab.calls.paths.webrtc", "WAY"),
    talkers=WEBRTC_PHONES,
    points=(ACCESS, EXIT, CALLEE_LINK),
    needs=(ENDS, TURN),
)
