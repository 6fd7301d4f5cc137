"""The TURN server, which relays the voice of WebRTC phones: over TCP, and among them alone."""

from __future__ import annotations

from lab.lazy import Lazy
from lab.role import WHEN_ROUTED, Component, Program, Report, Role, ServerSocket
from lab.wire import places
from lab.wire.listening import LISTENING, AwaitedSocket, AwaitSockets, Listening
from lab.wire.ports import TURN_PORT

COTURN = Program(
    image="turn",
    command=(*WHEN_ROUTED, "turnserver", "-c", str(places.TURN_SERVER)),
    files=(Lazy("lab.render.turn", "turn_files"),),
    writable=(str(places.TURN_STATE),),
    socket=lambda _: ServerSocket("tcp", TURN_PORT),
    components=(Component("coturn", "BSD, 3 clauses"),),
)
ROLE = Role(
    name="turn",
    description="the TURN server of WebRTC phones",
    position=75,
    programs=(COTURN,),
    is_guest=True,
    is_single=True,
    reports=(
        Report(
            section="turn",
            title="TURN",
            file=places.in_project(places.TURN_SERVER),
            dialogue=LISTENING,
            order=lambda node: AwaitSockets((AwaitedSocket(node, "tcp", TURN_PORT),)),
            answer=Listening,
            plain=lambda _: {"tcp_port": TURN_PORT},
            sentence=lambda answer: f"listens on TCP port {answer['tcp_port']}",
            unanswered="does not listen",
        ),
    ),
)
