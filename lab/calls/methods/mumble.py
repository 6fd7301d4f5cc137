"""Direct Mumble: one TCP connection straight to Murmur; the Tor hosts only forward packets."""

from __future__ import annotations

from lab.calls.measuring_points import ACCESS, CALLEE_LINK, EXIT
from lab.calls.method import Method
from lab.calls.needs import ENDS, MURMUR
from lab.calls.talkers import MUMBLE_CLIENTS
from lab.lazy import Lazy

METHOD = Method(
    name="mumble",
    system="direct Mumble",
    description="Mumble straight to Murmur, past Tor",
    position=40,
    way=Lazy("lab.calls.paths.mumble", "WAY"),
    talkers=MUMBLE_CLIENTS,
    points=(ACCESS, EXIT, CALLEE_LINK),
    needs=(ENDS, MURMUR),
)
