"""The HTTP server of competing downloads; on the server's machine it shares its links."""

from __future__ import annotations

from lab.lazy import Lazy
from lab.role import WHEN_ROUTED, Component, Program, Role, ServerSocket
from lab.wire.ports import WEB_PORT

NGINX = Program(
    image="web",
    command=(*WHEN_ROUTED, "python3", "-m", "lab.agents.servers.web"),
    files=(Lazy("lab.render.web", "web_files"),),
    socket=lambda _: ServerSocket("tcp", WEB_PORT),
    components=(Component("nginx-light", "BSD, 2 clauses"),),
)
ROLE = Role(
    name="web",
    description="the server of competing downloads",
    position=80,
    programs=(NGINX,),
    is_guest=True,
    is_single=True,
)
