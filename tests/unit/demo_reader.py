"""Somebody who reads a demonstration in lines, and answers from another thread, as a page does."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from lab.demo.distant import Distant
from lab.demo.lines import TELLING
from lab.web.demonstrations.transcript import Transcript
from lab.wire.line import Line
from lab.wire.messages import write


@dataclass
class Reader:
    """Both ends of the lines: the person, and what the reader has been told."""

    person: Distant
    transcript: Transcript


@contextmanager
def reading(answers: Sequence[int | str], *, attends: bool = True) -> Iterator[Reader]:
    """A reader who gives these answers; all that was told has been read when the block ends."""
    orders, into_orders = os.pipe()
    events, into_events = os.pipe()
    stderr = os.open(os.devnull, os.O_WRONLY)
    line = Line(TELLING, orders, into_events, stderr)
    transcript, left = Transcript(), list(answers)

    def read() -> None:
        with os.fdopen(events, encoding="utf-8") as file, os.fdopen(into_orders, "w") as answering:
            for text in file:
                transcript.enter(TELLING.read_event(text))
                if left and (awaited := transcript.screen.awaited):
                    order = transcript.answer(awaited.number, left.pop(0))
                    assert order is not None
                    print(write(order), file=answering, flush=True)
                elif transcript.screen.awaited:
                    return

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield Reader(Distant(line, attends=attends), transcript)
    finally:
        for descriptor in (into_events, line._events, stderr):
            os.close(descriptor)
        thread.join(10)
        os.close(orders)
