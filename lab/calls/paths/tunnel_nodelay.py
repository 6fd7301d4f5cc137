"""Whether both ends of a tunnel set TCP_NODELAY on its connection, in OpenVPN's own words."""

from __future__ import annotations

from docker.errors import NotFound

from lab.engine.client import connect
from lab.engine.hosts import client_of
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.wire.openvpn import NODELAY, OpenVpnUp


def note_tunnel_nodelay(
    lab: ReadyLab, notes: CallNotes, client: str, up: OpenVpnUp, since_s: float
) -> None:
    """Write down what the client and the server said of a tunnel opened after `since_s`.

    Seconds since the epoch. Nothing of a server that is gone.
    """
    server = lab.vpn_server.name
    node = lab.running.node(server)
    try:
        log = client_of(connect(), node.engine).api.logs(node.container_id, since=since_s)
    except NotFound:
        notes.tunnel_nodelay = {**notes.tunnel_nodelay, client: up.nodelay}
        return
    told = NODELAY.encode() in log
    notes.tunnel_nodelay = {**notes.tunnel_nodelay, client: up.nodelay, server: told}
