"""A fresh meeting with an onion service per call; both sides' tors tell afterwards where it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lab.engine.agent import Agent
from lab.engine.execution import start_agent
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import OnionWay, VoicePath
from lab.measure.call.tor_notes import RendezvousNotes
from lab.render.onion import read_address, service_of
from lab.wire.onion import (
    ONION,
    BeginRendezvous,
    ReadRendezvous,
    RendezvousBegun,
    RendezvousState,
)

BEGIN_DEADLINE_S = 20.0
ANSWER_DEADLINE_S = 10.0


def onion_way(lab: ReadyLab, role: str) -> OnionWay:
    """To the onion service of the lab's server of that role; LabError where it has none."""
    service = service_of(lab.topology, role)
    if service is None:
        raise LabError(
            f"the {role} of topology {lab.topology.name} is no onion service",
            "Write `onion: true` at it.",
        )
    relays = tuple(relay.name for relay in lab.topology.with_role("relay"))
    return OnionWay(read_address(lab.directory, service.name), service.name, relays)


@contextmanager
def fresh_rendezvous(lab: ReadyLab, path: VoicePath, notes: CallNotes) -> Iterator[None]:
    """End what is left of earlier meetings at both sides, and follow the one that comes.

    What becomes of it is in the notes, also where the block fails; LabError where it cannot be
    followed.
    """
    onion = path.onion
    assert onion
    with (
        start_agent(lab.running, lab.caller.name, ONION) as client,
        start_agent(lab.running, onion.service, ONION) as service,
    ):
        begin = BeginRendezvous(onion.address)
        closed = [
            side.ask(begin, RendezvousBegun, BEGIN_DEADLINE_S).closed for side in (client, service)
        ]
        noted = RendezvousNotes(lab.relays, (closed[0], closed[1]))
        notes.rendezvous = noted
        try:
            yield
        except BaseException:
            with suppress(LabError):
                _read(noted, client, service)
            raise
        _read(noted, client, service)


def _read(noted: RendezvousNotes, client: Agent, service: Agent) -> None:
    noted.client = client.ask(ReadRendezvous(), RendezvousState, ANSWER_DEADLINE_S)
    noted.service = service.ask(ReadRendezvous(), RendezvousState, ANSWER_DEADLINE_S)
