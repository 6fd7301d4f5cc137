"""Who can talk: phones over SIP, Mumble clients, and WebRTC phones."""

from __future__ import annotations

from lab.calls.method import Talkers
from lab.lazy import Lazy
from lab.wire.codecs import CODECS, OPUS

PHONES = Talkers(
    Lazy("lab.calls.sip.conversation", "SipConversation"),
    None,
    ("vpn-server", "pbx"),
    CODECS,
    variable_rate=False,
    fixed_playout_only=frozenset({"baresip"}),
    pausing=frozenset(name for name, codec in CODECS.items() if codec.encoding != "L16"),
    defaults_of_studies=frozenset({"pjsua2"}),
    unbound=frozenset({"baresip"}),
)
MUMBLE_CLIENTS = Talkers(
    Lazy("lab.calls.mumble.conversation", "MumbleConversation"),
    "murmur",
    ("mumble-server",),
    {OPUS.name: OPUS},
    variable_rate=True,
)
WEBRTC_PHONES = Talkers(
    Lazy("lab.calls.webrtc.conversation", "WebrtcConversation"),
    "coturn",
    ("turn",),
    {OPUS.name: OPUS},
    variable_rate=True,
    fec=True,
)
