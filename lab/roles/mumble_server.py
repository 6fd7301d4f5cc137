"""Murmur, through which Mumble calls go, direct and through Tor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lab.lazy import Lazy
from lab.role import WHEN_ROUTED, Component, Program, Report, Role, SecretKind, ServerSocket
from lab.roles.onion_service import KEY as ONION
from lab.roles.onion_service import check_service, service_beside
from lab.wire import places
from lab.wire.listening import HANDSHAKE, AwaitHandshake, Listening
from lab.wire.ports import MUMBLE_PORT

if TYPE_CHECKING:
    from lab.topology.model import Node, Topology

HANDSHAKE_DEADLINE_S = 3.0


def _secrets(_topology: Topology, _node: Node) -> Mapping[str, SecretKind]:
    return {"mumble": SecretKind.CREDENTIAL, "superuser": SecretKind.PASSWORD}


MURMUR = Program(
    image="mumble-server",
    # It has something to do before there are routes.
    command=("python3", "-m", "lab.agents.mumble.server", *WHEN_ROUTED),
    files=(Lazy("lab.render.mumble", "murmur_files"),),
    socket=lambda _: ServerSocket("tcp", MUMBLE_PORT, handshake=HANDSHAKE),
    components=(Component("mumble-server", "BSD, 3 clauses"),),
)
ROLE = Role(
    name="mumble-server",
    description="Murmur",
    position=70,
    programs=(MURMUR,),
    is_guest=True,
    is_single=True,
    keys=(ONION,),
    check=lambda draft: check_service(draft, "mumble-server"),
    beside=service_beside,
    secrets=_secrets,
    reports=(
        Report(
            section="mumble",
            title="Murmur",
            file=places.in_project(places.MURMUR),
            dialogue=HANDSHAKE,
            order=lambda node: AwaitHandshake(node, HANDSHAKE_DEADLINE_S),
            answer=Listening,
            plain=lambda listening: {"tls": listening.tls},
            sentence=lambda answer: f"takes calls, {answer['tls']}",
            unanswered="takes no calls",
        ),
    ),
)
