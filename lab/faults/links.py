"""Faults of links: the delay line beside the machine loses their packets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Address

from lab.engine.agent import Agent, AgentFailedError
from lab.engine.execution import start_network_helper
from lab.errors import LabError
from lab.events import Listener
from lab.faults.fault import Fault
from lab.faults.kind import Over
from lab.faults.told import ended
from lab.lifecycle.ready import ReadyLab
from lab.shaping.cap import LinkPoint, address_of
from lab.shaping.live import have_delay_line
from lab.wire.faults import (
    ALL_PCT,
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
)

DEADLINE_S = 20.0


class LinkInjection:
    """A fault of one link; see `Injection`."""

    def __init__(self, agent: Agent, address: IPv4Address, fault: Fault) -> None:
        self._agent = agent
        self._address = address
        self._fault = fault

    def begin(self, of: str) -> float:
        """Lose its packets from now on."""
        fault = self._fault
        loss_pct = ALL_PCT if fault.loss_pct is None else fault.loss_pct
        until = None if fault.for_s is None else time.time() + fault.for_s
        order = BeginFault(self._address, loss_pct, of, until)
        try:
            return self._agent.ask(order, FaultInForce, DEADLINE_S).fault.began_at
        except AgentFailedError as error:
            raise LabError(
                f"{fault.place}: {error.reason}",
                "`lab fault list` tells what is broken, and what ends it.",
            ) from error

    def end(self) -> Over:
        """Lose no more; LabError where its delay line has begun anew meanwhile."""
        fault = _end(self._agent, self._address)
        if fault is None or fault.ended_at is None:
            raise LabError(f"the fault of {self._fault.place} was over before it was ended")
        return Over(fault.ended_at, fault.lost)

    def keep(self) -> None:
        """Let it go on when nobody is there any more."""
        self._agent.ask(KeepFaults(), FaultsKept, DEADLINE_S)


@contextmanager
def link_fault(lab: ReadyLab, fault: Fault, _tell: Listener) -> Iterator[LinkInjection]:
    """See `Inject`: its link goes through a delay line from here on, as long as its machine runs.

    LabError where the machine does not run, or no delay line can be had beside it.
    """
    assert fault.network
    point = LinkPoint(fault.node, fault.network)
    address = address_of(lab.topology, point)
    with helper_beside(lab, fault.node) as agent:
        have_delay_line(lab, point)
        agent.ask(PrepareLinks((address,)), LinksPrepared, DEADLINE_S)
        yield LinkInjection(agent, address, fault)


@contextmanager
def helper_beside(lab: ReadyLab, node: str) -> Iterator[Agent]:
    """The program that begins and ends faults beside the machine of `node`, while the block runs.

    LabError where that does not run.
    """
    machine = lab.topology.machine(node).name
    state = lab.running.node(machine).state
    if state != "running":
        raise LabError(
            f"{machine} is {state}: there is no link of it that could break",
            f"`lab fault restart {machine}` starts it again.",
        )
    with start_network_helper(lab.running, machine, lab.net_image, FAULTS, tun=True) as agent:
        yield agent


def mend_link(lab: ReadyLab, fault: Fault, tell: Listener) -> bool:
    """See `Mend`: of a link, whichever kind of fault it has."""
    assert fault.network
    address = address_of(lab.topology, LinkPoint(fault.node, fault.network))
    with helper_beside(lab, fault.node) as agent:
        found = _end(agent, address)
    if found is None or found.ended_at is None:
        return False
    had = replace(fault, kind=found.kind)
    tell(ended(had, found.ended_at - found.began_at, found.lost))
    return True


def _end(agent: Agent, address: IPv4Address) -> LinkFault | None:
    """End whatever fault a link has; what it was, None where it had none."""
    return agent.ask(EndFault(address), FaultOver, DEADLINE_S).fault
