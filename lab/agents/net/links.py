"""Shows, changes and watches the links of one machine, live.

Runs in a short-lived container that shares the machine's network namespace; changes need
CAP_NET_ADMIN, the rest needs no capability.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import asdict

from lab.agents.net import reading, shaping
from lab.agents.net.delay_rules import Profile
from lab.agents.net.rtnetlink import NetlinkError
from lab.wire.line import Line
from lab.wire.links import (
    LINKS,
    ChangeShape,
    EndWatch,
    LinkSample,
    LinkSide,
    SetProfile,
    SetShapes,
    ShapedSide,
    ShapesSet,
    ShowLinks,
    WatchBegan,
    WatchEnded,
    WatchLinks,
)
from lab.wire.messages import Event, Failed, Order
from lab.wire.shape import Shape, ShapingError


class Links:
    """Answers orders about them, and watches some meanwhile."""

    def __init__(self) -> None:
        self._watch: Watch | None = None

    def answer(self, order: Order) -> Event:
        """Obey; ShapingError or NetlinkError where that cannot be, and then nothing is changed."""
        match order:
            case ShowLinks():
                return reading.links_in_force(order)
            case SetShapes():
                return self._set(order.sides)
            case SetProfile():
                return self._replay(order)
            case ChangeShape():
                return self._change(order)
            case WatchLinks():
                self.end_watch()
                self._watch = Watch(order)
                return WatchBegan()
            case EndWatch():
                return WatchEnded(self.end_watch())
        raise TypeError(f"no order about links: {order}")

    def end_watch(self) -> tuple[tuple[LinkSample, ...], ...]:
        """The samples of the watch that there was, if there was one."""
        watch, self._watch = self._watch, None
        return watch.stop() if watch else ()

    def _replay(self, order: SetProfile) -> ShapesSet:
        profile = Profile(order.at_us, order.takes_us) if order.at_us else None
        before = self._in_force(order.side)
        shaping.set_profile(reading.device_of(order.side.address), order.side.direction, profile)
        return ShapesSet((before,), (self._in_force(order.side),))

    def _change(self, order: ChangeShape) -> ShapesSet:
        try:
            shape = order.change.of(self._in_force(order.side))
        except ValueError as error:
            raise ShapingError(str(error)) from None
        return self._set((ShapedSide(order.side, shape),))

    def _set(self, wanted: Sequence[ShapedSide]) -> ShapesSet:
        before: list[Shape] = []
        after: list[Shape] = []
        try:
            for one in wanted:
                before.append(self._in_force(one.side))
                self._bring(one.side, one.shape)
                after.append(self._in_force(one.side))
        except (ShapingError, NetlinkError):
            for one, shape in zip(wanted, before, strict=False):
                self._bring(one.side, shape)
            raise
        return ShapesSet(tuple(before), tuple(after))

    def _in_force(self, side: LinkSide) -> Shape:
        return reading.in_force(reading.device_of(side.address), side.direction)

    def _bring(self, side: LinkSide, shape: Shape) -> None:
        index = reading.device_of(side.address)
        shaping.set_direction(index, side.direction, shape)


class Watch:
    """Reads the counters of some links at equal intervals until it is stopped."""

    def __init__(self, order: WatchLinks) -> None:
        self._sides = order.sides
        self._interval_s = order.interval_s
        self._samples: list[list[LinkSample]] = [[] for _ in order.sides]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> tuple[tuple[LinkSample, ...], ...]:
        """Take a last sample and return all, those of each link by themselves."""
        self._stop.set()
        self._thread.join()
        return tuple(map(tuple, self._samples))

    def _run(self) -> None:
        devices = [(reading.device_of(side.address), side.direction) for side in self._sides]
        due = time.monotonic()
        stopped = False
        while not stopped:
            due += self._interval_s
            stopped = self._stop.wait(due - time.monotonic())
            for (index, direction), samples in zip(devices, self._samples, strict=True):
                if found := reading.counters(index, direction):
                    samples.append(LinkSample(**asdict(found), at=time.time()))


def main() -> None:
    """Answer orders until the input ends."""
    line = Line(LINKS)
    links = Links()
    while (order := line.hear()) is not None:
        try:
            line.say(links.answer(order))
        except (ShapingError, NetlinkError) as error:
            line.say(Failed(str(error)))
    links.end_watch()


if __name__ == "__main__":
    main()
