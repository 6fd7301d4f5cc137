"""One end of a call as the host sees it: orders to its program, and what that has told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Generic, Protocol, TypeVar

from lab.calls.workspace import Workspace
from lab.engine.agent import Agent, AgentFailedError
from lab.engine.execution import start_agent
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.wire.messages import Dialogue, Event, Order

EndT = TypeVar("EndT", bound="End")
EventT = TypeVar("EventT", bound=Event)
ReportT = TypeVar("ReportT", bound=Any)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[ReportT]):
    """A call that was tried, and what either end told of it."""

    reason: str | None
    """Why it failed, in one sentence; None when it did not."""
    caller: ReportT
    callee: ReportT


class Channel(Protocol):
    """What carries orders to a running program and its events back: an `Agent`."""

    def send(self, order: Order) -> None:
        """Hand one order over; EOFError when the program has ended."""

    def receive(self, timeout_s: float) -> Event:
        """The next event.

        AgentFailedError where it is a failure, TimeoutError when none came in time, EOFError
        when none can.
        """


class EndError(LabError):
    """An end could not do what it was asked; the message names it and the reason."""


class EndSilentError(EndError):
    """What was awaited of an end did not come in time."""


class End:
    """One end, from the start of its program to the end of its channel."""

    def __init__(self, name: str, channel: Channel) -> None:
        self.name = name
        self._channel = channel
        self._told: dict[type[Event], Event] = {}

    def order(self, order: Order) -> None:
        """Have its program do something; `wait` tells what came of it."""
        try:
            self._channel.send(order)
        except EOFError:
            # Its last event says why; whoever waits finds it.
            return

    def told(self, kind: type[EventT]) -> EventT | None:
        """The last event of that kind; None where none has come yet."""
        event = self._told.get(kind)
        return event if isinstance(event, kind) else None

    def wait(self, kind: type[EventT], timeout_s: float) -> EventT:
        """The event of that kind, now or as soon as it comes.

        EndSilentError when the time runs out, else as `has`.
        """
        deadline = time.monotonic() + timeout_s
        while (event := self.told(kind)) is None:
            remaining_s = deadline - time.monotonic()
            if not self.has(kind, max(0.0, remaining_s)) and remaining_s <= 0:
                raise self.silence(kind, timeout_s)
        return event

    def has(self, kind: type[Event], timeout_s: float) -> bool:
        """Whether such an event has come, after at most one more of any kind.

        EndError when the end fails, or its program ends.
        """
        if kind in self._told:
            return True
        try:
            event = self._channel.receive(timeout_s)
        except TimeoutError:
            return False
        except EOFError as error:
            raise EndError(f"{self.name}: the program ended: {error}") from None
        except AgentFailedError as error:
            raise EndError(f"{self.name}: {error.reason}") from None
        self._told.pop(type(event), None)  # the last is to stand last
        self._told[type(event)] = event
        self._check(event, kind)
        return kind in self._told

    def silence(self, kind: type[Event], timeout_s: float) -> EndSilentError:
        """What to say of an end from which such an event did not come."""
        last = next(reversed(self._told.values()), None)
        words = "nothing" if last is None else self._described(last)
        return EndSilentError(
            f"{self.name}: no {word(kind)!r} within {timeout_s:g} s (last came {words})"
        )

    def report(self, kind: type[ReportT]) -> ReportT:
        """All that it has told, as a dataclass whose fields are called after the events."""
        told = {word(type(event)): event for event in self._told.values()}
        made: ReportT = kind(**{item.name: told.get(item.name) for item in fields(kind)})
        return made

    def _check(self, event: Event, awaited: type[Event]) -> None:
        """EndError where `event` means that nothing more is to be awaited."""

    def _described(self, event: Event) -> str:
        return repr(word(type(event)))


@dataclass(frozen=True, slots=True)
class BothEnds(Generic[EndT]):
    """The two ends of a call."""

    caller: EndT
    callee: EndT
    agents: tuple[Agent, ...]
    """Their programs."""

    def end(self) -> None:
        """Have both programs take their leave, and return when they have ended."""
        for agent in self.agents:
            agent.end()
        for agent in self.agents:
            agent.close()


@contextmanager
def both_ends(
    lab: ReadyLab, workspace: Workspace, dialogue: Dialogue, kind: type[EndT]
) -> Iterator[BothEnds[EndT]]:
    """The caller's end and the callee's, whose programs run while the block does.

    What the programs wrote besides their events is kept with the call.
    """
    with (
        start_agent(lab.running, lab.caller.name, dialogue) as caller,
        start_agent(lab.running, lab.callee.name, dialogue) as callee,
    ):
        yield BothEnds(kind("caller", caller), kind("callee", callee), (caller, callee))
    what = dialogue.program.partition(".")[0]
    workspace.write_log(f"{what}-caller", caller.log_text)
    workspace.write_log(f"{what}-callee", callee.log_text)


def word(kind: type[Event]) -> str:
    """An event in a sentence."""
    return kind.__name__.lower()
