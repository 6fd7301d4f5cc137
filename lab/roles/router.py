"""The router: the gateway in front of the caller."""

from __future__ import annotations

from lab.role import NOTHING, Program, Role

ROLE = Role(
    name="router",
    description="only forwards packets",
    position=20,
    programs=(Program("net", NOTHING),),
    forwards=True,
)
