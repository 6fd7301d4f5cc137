"""What a topology must have to carry competing traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.calls.needs import Need, endpoint, has_role
from lab.ends import CLIENT

if TYPE_CHECKING:
    from lab.topology.model import Topology


def _client_has_tor(topology: Topology) -> bool:
    client = endpoint(topology, CLIENT)
    return client is not None and client.tor


COMPETITOR = Need(
    lambda topology: endpoint(topology, CLIENT) is not None,
    f"it lacks an endpoint called {CLIENT}",
    f"Competing traffic begins or ends at the node {CLIENT}, with `role: endpoint`.",
)
COMPETITOR_TOR = Need(_client_has_tor, f"{CLIENT} has no Tor client", "Give it `tor: true`.")
WEB_SERVER = Need(has_role("web"), "it has no web server", "Give it a node with `role: web`.")
