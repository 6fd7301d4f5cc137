"""The control connection of a tor in this node, and listening to its events."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import stem
from stem.connection import AuthenticationFailure
from stem.control import Controller, EventType
from stem.response.events import Event

from lab.agents.tor.node import TorFiles

POLL_S = 0.05

EventT = TypeVar("EventT", bound=Event)


class ControlError(Exception):
    """A tor cannot be controlled; the message says why."""


def connect(files: TorFiles, deadline_s: float = 0.0) -> Controller:
    """The control connection, as soon as tor listens; ControlError where it does not in time."""
    end = time.monotonic() + deadline_s
    while True:
        try:
            controller = Controller.from_socket_file(str(files.control_socket))
            controller.authenticate()
        except (stem.SocketError, AuthenticationFailure) as error:
            if time.monotonic() >= end:
                raise ControlError(f"tor cannot be asked on its control socket: {error}") from error
            time.sleep(POLL_S)
        else:
            return controller


def follow(
    controller: Controller,
    kind: EventType,
    handle: Callable[[EventT], object],
    complain: Callable[[str], None],
) -> Callable[[], None]:
    """Have every event of a kind handled, in stem's own thread; returns how to end that.

    stem drops what a listener raises: here `complain` is told of it.
    """

    def listener(event: EventT) -> None:
        try:
            handle(event)
        except Exception as error:
            complain(f"{type(error).__name__} at an event of tor ({event}): {error}")

    controller.add_event_listener(listener, kind)
    return lambda: controller.remove_event_listener(listener)
