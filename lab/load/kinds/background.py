"""Other users of Tor, who fetch files over the relays that calls cross too, and pause."""

from __future__ import annotations

from lab.lazy import Lazy
from lab.load.browsing import in_words
from lab.load.kind import LoadKind
from lab.load.needs import WEB_SERVER

MAX_USERS = 100

LOAD_KIND = LoadKind(
    name="background",
    description="other users of Tor",
    details=in_words(),
    both_ways=False,
    flow="down",
    own_circuits=True,
    position=40,
    run=Lazy("lab.load.background", "background"),
    needs=(WEB_SERVER,),
    most={"direct": 0, "tor": MAX_USERS},
)
