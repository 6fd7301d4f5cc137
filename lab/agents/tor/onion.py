"""Finds onion services, and follows the circuits on which they are met, at either side."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address

import stem
from stem.control import Controller, EventType
from stem.response.events import HSDescEvent

from lab.agents.net.connection import ConnectionFailedError
from lab.agents.net.connection import connect as open_connection
from lab.agents.tor.control import ControlError, connect, follow
from lab.agents.tor.meetings import Meetings
from lab.agents.tor.node import TorFiles, files_from, read_network
from lab.wire import places
from lab.wire.line import Line
from lab.wire.messages import Event, Failed, Order
from lab.wire.onion import (
    ONION,
    BeginRendezvous,
    ConnectOnion,
    DescriptorFetched,
    FetchDescriptor,
    OnionConnected,
    ReadRendezvous,
    ReadService,
    RendezvousBegun,
    ServiceState,
)
from lab.wire.ports import SOCKS_PORT
from lab.wire.proxy import SocksProxy
from lab.wire.tor_network import TorNetwork

ANSWER_S = 10.0
"""How long one try to fetch a descriptor may take."""
AGAIN_S = 0.5
CONNECTION_S = 20.0
"""How long one try to connect may take: it has three circuits to build."""
HOSTNAME = "hostname"


class OnionError(Exception):
    """Something about an onion service could not be done; the message says what."""


class Descriptors:
    """What became of descriptors since this program runs, at a client or at a service."""

    def __init__(
        self, controller: Controller, network: TorNetwork, complain: Callable[[str], None]
    ) -> None:
        self._network = network
        self.uploaded: list[str] = []
        self.refused: list[str] = []
        self.received: dict[str, str] = {}
        """Address without `.onion` → the relay it came from."""
        self.failures: list[str] = []
        follow(controller, EventType.HS_DESC, self._note, complain)

    def _note(self, event: HSDescEvent) -> None:
        relay = "no relay"
        if event.directory_fingerprint:
            (relay,) = self._network.names_of([event.directory_fingerprint])
        match event.action:
            case "UPLOADED":
                self.uploaded.append(relay)
            case "RECEIVED":
                self.received[event.address] = relay
            case "FAILED":
                why = f"{event.reason} at {relay}"
                self.failures.append(why)
                self.refused.append(why)


class Onion:
    """One agent's connection to its tor, and what it has followed there."""

    def __init__(self, files: TorFiles, complain: Callable[[str], None]) -> None:
        """ControlError where the tor cannot be asked."""
        self._files = files
        network = read_network(files)
        self._controller = connect(files)
        self._descriptors = Descriptors(self._controller, network, complain)
        self._meetings = Meetings(self._controller, network, complain)
        self._met: str | None = None

    def answer(self, order: Order) -> Event:
        """Obey; OnionError or stem's errors where it cannot be."""
        match order:
            case ReadService():
                return self._service()
            case FetchDescriptor():
                return self._fetch(order)
            case ConnectOnion():
                return connect_onion(order)
            case BeginRendezvous():
                self._met = order.address
                return RendezvousBegun(self._meetings.begin(order.address))
            case ReadRendezvous():
                return self._meetings.state()
        raise TypeError(f"no order about onion services: {order}")

    def release(self) -> None:
        """End the circuits of a meeting that was followed."""
        if self._met is not None:
            self._meetings.begin(self._met)

    def _service(self) -> ServiceState:
        file = self._files.configuration / places.ONION.name / HOSTNAME
        address = file.read_text(encoding="utf-8").strip()
        identity = address.removesuffix(".onion")
        return ServiceState(
            address=address,
            version=str(self._controller.get_version()),
            introductions=self._meetings.introductions(),
            described=bool(self._controller.get_info(f"hs/service/desc/id/{identity}", "")),
            uploads=tuple(self._descriptors.uploaded),
            refusals=tuple(self._descriptors.refused),
        )

    def _fetch(self, order: FetchDescriptor) -> DescriptorFetched:
        """Ask for the descriptor again and again: a service may still be about to upload it."""
        identity = order.address.removesuffix(".onion")
        deadline = time.monotonic() + order.deadline_s
        tries = 0
        while True:
            tries += 1
            heard = len(self._descriptors.failures)
            self._descriptors.received.pop(identity, None)
            self._controller.msg(f"HSFETCH {identity}")
            end = min(deadline, time.monotonic() + ANSWER_S)
            while time.monotonic() < end:
                if relay := self._descriptors.received.get(identity):
                    return DescriptorFetched(relay, tries)
                if len(self._descriptors.failures) > heard:
                    break
                time.sleep(0.05)
            if time.monotonic() >= deadline:
                last = (self._descriptors.failures or ["tor told nothing of it"])[-1]
                raise OnionError(f"after {tries} tries: {last}")
            time.sleep(AGAIN_S)


def connect_onion(order: ConnectOnion) -> OnionConnected:
    """Connect through tor's SOCKS port until the service takes it; OnionError where it does not."""
    deadline = time.monotonic() + order.deadline_s
    tries = 0
    while True:
        tries += 1
        began = time.monotonic()
        proxy = SocksProxy(IPv4Address("127.0.0.1"), SOCKS_PORT, "lab-up", str(tries))
        try:
            end = min(deadline, began + CONNECTION_S)
            open_connection(order.address, order.port, proxy, end).close()
        except ConnectionFailedError as error:
            if time.monotonic() + AGAIN_S >= deadline:
                raise OnionError(f"after {tries} tries: {error}") from error
            time.sleep(AGAIN_S)
        else:
            return OnionConnected(round((time.monotonic() - began) * 1000, 1), tries)


def main() -> None:
    """Answer orders until the input ends."""
    line = Line(ONION)
    try:
        onion = Onion(files_from(), lambda why: line.say(Failed(why)))
    except ControlError as error:
        line.say(Failed(str(error)))
        return
    while (order := line.hear()) is not None:
        try:
            line.say(onion.answer(order))
        except (OnionError, LookupError, OSError) as error:
            line.say(Failed(str(error)))
        except stem.ControllerError as error:
            line.say(Failed(f"{type(error).__name__}: {error}"))
    # Where tor has ended, so have its circuits.
    with suppress(stem.ControllerError):
        onion.release()


if __name__ == "__main__":
    main()
