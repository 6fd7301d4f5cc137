"""Asking a node what is in force in its network namespace (`net.reading`)."""

from __future__ import annotations

from lab.wire.links import LinksShown, ShowLinks
from lab.wire.messages import Dialogue
from lab.wire.network import NetworkInForce, ShowNetwork

READING = Dialogue(
    "net.reading", orders=(ShowNetwork, ShowLinks), events=(NetworkInForce, LinksShown)
)
