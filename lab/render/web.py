"""The configuration of the web server."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lab.topology.model import Topology
from lab.wire import places
from lab.wire.ports import WEB_PORT

TEMPLATES = Path(__file__).parents[2] / "compose"
DOWNLOAD = "/download"
UPLOAD = "/upload"


def web_files(topology: Topology) -> dict[str, bytes]:
    """The files of the web node, relative to its directory in the project."""
    environment = Environment(  # noqa: S701 - no HTML
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True
    )
    text = environment.get_template("nginx.conf.j2").render(
        topology=topology, port=WEB_PORT, download=DOWNLOAD, upload=UPLOAD, places=places
    )
    return {places.in_project(places.NGINX): text.encode()}
