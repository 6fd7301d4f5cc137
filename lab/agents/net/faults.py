"""Has faults on the links of one machine: packets are lost there, whatever its shapes say.

Runs in a short-lived container that shares the machine's network namespace, with CAP_NET_ADMIN.
What it has begun ends with its input, unless it was told to leave it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address

from lab.agents.net import delay_line, delay_rules, reading, shaping
from lab.agents.net.rtnetlink import NetlinkError
from lab.wire.faults import (
    FAULTS,
    BeginFault,
    EndFault,
    FaultInForce,
    FaultOver,
    FaultsKept,
    KeepFaults,
    LinkFault,
    LinksPrepared,
    PrepareLinks,
    fault_in_force,
)
from lab.wire.line import Line
from lab.wire.messages import Event, Failed, Order
from lab.wire.shape import Direction, ShapingError, delay_device


class Faults:
    """Answers orders about them."""

    def __init__(self) -> None:
        self._begun: list[IPv4Address] = []
        """The links that have a fault of this program's."""

    def answer(self, order: Order) -> Event:
        """Obey; ShapingError or NetlinkError where that cannot be."""
        match order:
            case PrepareLinks(addresses):
                for address in addresses:
                    self._prepare(address)
                return LinksPrepared()
            case BeginFault():
                return FaultInForce(self._begin(order))
            case EndFault(address):
                return FaultOver(self._end(address))
            case KeepFaults():
                self._begun.clear()
                return FaultsKept()
        raise TypeError(f"no order about faults: {order}")

    def end_all(self) -> None:
        """End what was begun here and is in force still, as far as that can be."""
        for address in list(self._begun):
            with suppress(ShapingError, NetlinkError):
                self._end(address)

    def _prepare(self, address: IPv4Address) -> None:
        index = reading.device_of(address)
        for direction in Direction:
            shaping.have_line(index, direction)

    def _begin(self, order: BeginFault) -> LinkFault:
        if (present := in_force(order.address)) is not None:
            raise ShapingError(f"{order.address} is {present.what} already, by {present.of}")
        taps = _taps(order.address)
        self._begun.append(order.address)
        until = None if order.until is None else _microseconds(order.until)
        wanted = LinkFault(order.loss_pct, _microseconds(time.time()), order.of, until)
        for tap in taps:
            delay_rules.set_fault(tap, wanted)
        found = in_force(order.address)
        if found is None or replace(found, lost=0) != wanted:
            raise ShapingError(f"asked for {wanted}, but its delay line has {found}")
        return found

    def _end(self, address: IPv4Address) -> LinkFault | None:
        if address in self._begun:
            self._begun.remove(address)
        present = in_force(address)
        if present is None:
            return None
        taps = _taps(address)
        over = replace(present, ended_at=_microseconds(time.time()))
        for tap in taps:
            delay_rules.set_fault(tap, over)
        if (still := in_force(address)) is not None:
            raise ShapingError(f"the fault of {address} was ended, but its delay line has {still}")
        return last(address)


def in_force(address: IPv4Address) -> LinkFault | None:
    """The fault of a link; None where it has none."""
    return fault_in_force(_both(address))


def last(address: IPv4Address) -> LinkFault | None:
    """The last fault of a link, with what it took in either direction; None: there was none."""
    both = _both(address)
    return replace(both[0], lost=sum(fault.lost for fault in both)) if both else None


def _both(address: IPv4Address) -> list[LinkFault]:
    index = reading.device_of(address)
    found = (reading.fault_of(index, direction) for direction in Direction)
    return [fault for fault in found if fault is not None]


def _taps(address: IPv4Address) -> list[str]:
    """Of the directions that go through a delay line."""
    name = reading.devices()[reading.device_of(address)]
    pipes = delay_line.pipes()
    return [tap for direction in Direction if (tap := delay_device(name, direction)) in pipes]


def _microseconds(at: float) -> float:
    """As exactly as delay lines remember it."""
    return round(at * 1e6) / 1e6


def main() -> None:
    """Answer orders until the input ends, and then end what was begun."""
    line = Line(FAULTS)
    faults = Faults()
    try:
        while (order := line.hear()) is not None:
            try:
                line.say(faults.answer(order))
            except (ShapingError, NetlinkError) as error:
                line.say(Failed(str(error)))
    finally:
        faults.end_all()


if __name__ == "__main__":
    main()
