"""rtpengine beside a Kamailio; added by the lab, never written by a user."""

from __future__ import annotations

from lab.lazy import Lazy
from lab.role import WHEN_ROUTED, Component, Program, Role, ServerSocket
from lab.wire import places
from lab.wire.ports import MEDIA_CONTROL_PORT

RTPENGINE = Program(
    image="rtpengine",
    command=(
        *WHEN_ROUTED,
        *("rtpengine", f"--config-file={places.RTPENGINE}", "--foreground"),
    ),
    files=(Lazy("lab.render.pbx", "rtpengine_files"),),
    socket=lambda _: ServerSocket("udp", MEDIA_CONTROL_PORT),
    components=(Component("rtpengine-daemon", "GPL 3 or later"),),
)
ROLE = Role(
    name="media-proxy",
    description="rtpengine, through which a Kamailio's media pass",
    position=60,
    programs=(RTPENGINE,),
    is_written=False,
    is_guest=True,
)
