"""M-Tor: a Mumble connection through Tor, over exactly one circuit per call."""

from __future__ import annotations

from lab.calls.measuring_points import ACCESS, CALLEE_ACCESS, CALLEE_EXIT, CALLEE_LINK, EXIT
from lab.calls.method import BothHidden, Method
from lab.calls.needs import CALLEE_TOR_CLIENT, ENDS, MURMUR, TOR_CLIENT
from lab.calls.talkers import MUMBLE_CLIENTS
from lab.lazy import Lazy

METHOD = Method(
    name="m-tor",
    system="M-Tor",
    description="Mumble through Tor",
    position=50,
    way=Lazy("lab.calls.paths.m_tor", "WAY"),
    talkers=MUMBLE_CLIENTS,
    points=(ACCESS, EXIT, CALLEE_LINK),
    needs=(ENDS, MURMUR, TOR_CLIENT),
    both_hidden=BothHidden(
        way=Lazy("lab.calls.paths.m_tor_both", "WAY"),
        points=(ACCESS, EXIT, CALLEE_EXIT, CALLEE_ACCESS),
        needs=(CALLEE_TOR_CLIENT,),
    ),
)
