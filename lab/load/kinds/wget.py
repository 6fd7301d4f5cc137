"""Competing downloads and uploads: endless transfers between the client and a web server."""

from __future__ import annotations

from lab.lazy import Lazy
from lab.load.kind import LoadKind
from lab.load.needs import WEB_SERVER

LOAD_KIND = LoadKind(
    name="wget",
    description="parallel downloads or uploads",
    both_ways=False,
    position=10,
    run=Lazy("lab.load.transfers", "transfers"),
    needs=(WEB_SERVER,),
    paper_table=2,
)
