"""M-Onion: a Mumble connection to Murmur's onion service, met afresh by each call."""

from __future__ import annotations

from lab.calls.measuring_points import ACCESS, CALLEE_LINK, SERVICE
from lab.calls.method import Method
from lab.calls.needs import ENDS, MURMUR, MURMUR_ONION, TOR_CLIENT
from lab.calls.talkers import MUMBLE_CLIENTS
from lab.lazy import Lazy

METHOD = Method(
    name="m-onion",
    system="M-Onion",
    description="Mumble through Tor to an onion service",
    position=70,
    way=Lazy("lab.calls.paths.m_onion", "WAY"),
    talkers=MUMBLE_CLIENTS,
    points=(ACCESS, SERVICE, CALLEE_LINK),
    needs=(ENDS, MURMUR, TOR_CLIENT, MURMUR_ONION),
    available_measured=False,
)
