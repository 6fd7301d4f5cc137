"""A tor beside a server that makes it an onion service; added by the lab, never written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lab.lazy import Lazy
from lab.role import TOR_COMPONENT, WHEN_ROUTED, Program, Report, Role, SecretKind, with_tor
from lab.topology.mistakes import Mistake, quoted
from lab.topology.model import Node
from lab.topology.names import is_name
from lab.wire import places
from lab.wire.onion import ONION, ReadService, ServiceState

if TYPE_CHECKING:
    from lab.topology.draft import Draft
    from lab.topology.model import PbxKind, Topology
    from lab.topology.raw import RawNode

KEY = "onion"
"""What is written at a server that is to be one."""
MIN_RELAYS = 4
"""A service goes to a rendezvous point, which another chose, over three relays of its own."""


def service_name(server: str) -> str:
    """What the onion service of the node called `server` is called."""
    return f"{server}-onion"


def service_beside(name: str, written: RawNode, _pbx: PbxKind) -> tuple[Node, ...]:
    """The onion service that a server asks for, on its machine."""
    if not written.onion:
        return ()
    service = Node(
        name=service_name(name),
        role=ROLE.name,
        links=(),
        on=written.on or name,
        routes=(),
        forwards=False,
        serves=name,
    )
    return (service,)


def check_service(draft: Draft, role: str) -> Iterator[Mistake]:
    """What an onion service of a server of that role would lack, or clash with."""
    for name in draft.with_role(role):
        if not draft.raw.nodes[name].onion:
            continue
        service = service_name(name)
        if service in draft.raw.nodes:
            message = f"is the name of the onion service of {quoted(name)}"
            yield Mistake(("nodes", service), message)
        if is_name(name) and not is_name(service):
            message = f"is too long to name its onion service {quoted(service)}"
            yield Mistake(("nodes", name), message)
        if draft.is_certain("nodes", "*", "tor") and not any(
            node.tor for node in draft.raw.nodes.values()
        ):
            message = "needs an endpoint with `tor: true`; nobody else can reach an onion service"
            yield Mistake(("nodes", name, KEY), message)
        if draft.is_certain("nodes", "*", "role") and len(draft.with_role("relay")) < MIN_RELAYS:
            message = f"needs at least {MIN_RELAYS} relays: three before the rendezvous point"
            yield Mistake(("nodes", name, KEY), message)


def _secrets(_topology: Topology, _node: Node) -> Mapping[str, SecretKind]:
    return {"onion": SecretKind.ONION_IDENTITY}


def _plain(state: ServiceState) -> dict[str, Any]:
    return {
        "address": state.address,
        "version": state.version,
        "introductions": list(state.introductions),
        "described": state.described,
    }


def _sentence(answer: Mapping[str, Any]) -> str:
    introductions = ", ".join(answer["introductions"]) or "no relay yet"
    descriptor = "" if answer["described"] else ", no descriptor yet"
    return (
        f"{answer['address']}, introduced at {introductions}{descriptor}, tor {answer['version']}"
    )


TOR = Program(
    image="tor",
    command=(*WHEN_ROUTED, "python3", "-m", "lab.agents.tor.service"),
    files=(Lazy("lab.render.onion", "onion_service_files"),),
    writable=(str(places.TOR_STATE),),
    components=(TOR_COMPONENT,),
)
ROLE = Role(
    name="onion-service",
    description="the Tor of an onion service",
    position=75,
    programs=(TOR,),
    choice=lambda _, node: with_tor(TOR, node.tor_version),
    is_written=False,
    is_guest=True,
    secrets=_secrets,
    reports=(
        Report(
            section="onion",
            title="Onion service",
            file=places.in_project(places.ONION),
            dialogue=ONION,
            order=lambda _: ReadService(),
            answer=ServiceState,
            plain=_plain,
            sentence=_sentence,
            unanswered="unknown",
        ),
    ),
)
