"""What the Tors of a lab that does not come up say of it themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from lab.topology.mistakes import some

WARNING = re.compile(r"\[(?:warn|err)\] (.*)")
OF_DOCUMENTS = re.compile(
    r"unable to parse|couldn't parse|not supported by this version|protocol.* required|"
    r"(?:not enough|insufficient|bad|invalid) .*signature|signature.*(?:not|fail)|"
    r"consensus .*(?:rejected|not.* valid|unusable)",
    re.IGNORECASE,
)
"""Warnings about what a Tor cannot read or agree with, as tor's networkstatus.c, routerparse.c and
ns_parse.c word them."""


def of_documents(log_text: str) -> str | None:
    """The last thing that a Tor says it cannot read, or not agree with; None where nothing is."""
    for line in reversed(log_text.splitlines()):
        if (warned := WARNING.search(line)) and OF_DOCUMENTS.search(warned[1]):
            return warned[1].strip()
    return None


def complaints(nodes: Iterable[str], log_of: Callable[[str], str]) -> str:
    """What these nodes' Tors cannot read, as an addition to a sentence; empty for nothing."""
    told: dict[str, list[str]] = {}
    for node in nodes:
        if said := of_documents(log_of(node)):
            told.setdefault(said, []).append(node)
    return "".join(f"; the Tor of {some(who)} says: {said!r}" for said, who in told.items())
