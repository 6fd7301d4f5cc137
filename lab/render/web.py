"""The configuration of the web server."""

from __future__ import annotations

from lab.render.secrets import LabSecrets
from lab.render.templates import rendered
from lab.topology.model import Node, Topology
from lab.wire import places
from lab.wire.ports import WEB_PORT

DOWNLOAD = "/download"
UPLOAD = "/upload"


def web_files(topology: Topology, _node: Node, _secrets: LabSecrets) -> dict[str, bytes]:
    """The files of the web node, relative to its directory in the project."""
    text = rendered(
        "nginx.conf.j2",
        topology=topology,
        port=WEB_PORT,
        download=DOWNLOAD,
        upload=UPLOAD,
        places=places,
    )
    return {places.in_project(places.NGINX): text.encode()}
