"""What the stream does not tell of a lab, read beside it, once for all who look at the page.

Its topology when it has come up, what its links do when they have changed, and, as long as
somebody looks, the queues at caps that are in use. A reader of a queue is a program without any
capability in the node itself, which sleeps between two questions; it takes no turn in the lab.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from docker.errors import DockerException
from requests.exceptions import RequestException

from lab.engine.agent import Agent
from lab.engine.execution import start_reader
from lab.errors import LabError, sentence_of
from lab.lifecycle.ready import ReadyLab, open_lab_as_it_is
from lab.shaping.cap import LinkPoint, address_of
from lab.web.hub import Hub
from lab.web.now import LabNow
from lab.web.topology.backlog import READ_ON_S, Backlog, Side, worth_reading
from lab.web.topology.links import RUNNING, Read
from lab.web.topology.plan import Plan, Shaped, plan_of
from lab.wire.links import LinkInForce, LinksShown, ShowLinks
from lab.wire.shape import Direction

log = logging.getLogger(__name__)

INTERVAL_S = 2.0
"""From one reading of the queues to the next."""
AWAY_S = 6.0
"""Nobody looks who has not done so for that long."""
DEADLINE_S = 5.0
LinkKey = tuple[str, str]
"""Machine and network."""


@dataclass(slots=True)
class _Lab:
    """The lab that is read."""

    identity: tuple[object, ...]
    ready: ReadyLab
    plan: Plan
    stamps: dict[LinkKey, object] = field(default_factory=dict)
    """What the stream said of a link when it was read last."""
    wanted: dict[LinkKey, float] = field(default_factory=dict)
    """Link → until when its queue is read, by the monotonic clock."""
    agents: dict[str, Agent] = field(default_factory=dict)
    """Machine → what reads there."""


class Reader:
    """Reads a hub's lab while anybody looks; `plan` and `read` may be looked at by any thread."""

    def __init__(self, hub: Hub) -> None:
        self.plan: Plan | None = None
        """None until the lab is up and its project has been read."""
        self.read = Read()
        self.trouble: str | None = None
        """Why the lab cannot be drawn, a sentence."""
        self._hub = hub
        self._lab: _Lab | None = None
        self._looked_at = 0.0
        self._asked: dict[LinkKey, float] = {}
        self._left = threading.Event()
        self._news = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self, link: LinkKey | None = None) -> None:
        """Somebody looks at the lab, and closely at one of its links."""
        self._looked_at = time.monotonic()
        if link is not None:
            self._asked[link] = time.monotonic() + AWAY_S
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        self._news.set()

    def stop(self) -> None:
        """End it; what reads in nodes ends with it."""
        self._left.set()
        self._news.set()

    def _run(self) -> None:
        while not self._left.is_set():
            began = time.monotonic()
            try:
                self._once(began)
            except (LabError, DockerException, RequestException, OSError) as error:
                self.trouble = sentence_of(error)
                self._forget_agents()
            self._news.wait(AWAY_S)
            self._news.clear()
            # A lab that comes up is to be drawn soon.
            pause_s = INTERVAL_S if self._lab else 0.3
            self._left.wait(max(0.0, began + pause_s - time.monotonic()))
        self._forget_agents()

    def _once(self, began: float) -> None:
        if began - self._looked_at > AWAY_S:
            self._forget_agents()
            self.read = Read(self.read.shapes)
            return
        now = self._hub.now
        identity = _identity(now)
        if identity is None:
            self._forget_agents()
            self._lab, self.plan, self.read = None, None, Read()
            return
        if self._lab is None or self._lab.identity != identity:
            self._forget_agents()
            ready = open_lab_as_it_is(self._hub.client, now.lab)
            self._lab = _Lab(identity, ready, plan_of(ready.topology))
            self.read, self.plan = Read(), self._lab.plan
        self._read(self._lab, now, began)
        self.trouble = None

    def _read(self, lab: _Lab, now: LabNow, began: float) -> None:
        """Read what has changed and what queues; a call is left alone with all but these."""
        running = {name for name, node in list(now.nodes.items()) if node.state == RUNNING}
        running &= {node.name for node in lab.ready.running.nodes if node.has_agents}
        caps_in = {
            (machine, network): shape.rate_kbps
            for (machine, network, direction), shape in lab.plan.shapes.items()
            if direction is Direction.IN and shape.rate_kbps is not None
        }
        for (machine, network, direction), shape in self.read.shapes.items():
            if direction is Direction.IN:
                caps_in.pop((machine, network), None)
                if shape.rate_kbps is not None:
                    caps_in[machine, network] = shape.rate_kbps
        for link in worth_reading(now, caps_in):
            lab.wanted[link] = began + READ_ON_S
        for link, until in list(self._asked.items()):
            lab.wanted[link] = max(until, lab.wanted.get(link, 0.0))
        self._asked.clear()
        lab.wanted = {link: until for link, until in lab.wanted.items() if until > began}
        queues = {link for link in lab.wanted if link[0] in running}
        stamps = {
            which: tuple(sorted(link.shapes.items()))
            for which, link in list(now.links.items())
            if which[0] in running
        }
        lab.stamps = {which: was for which, was in lab.stamps.items() if which in stamps}
        changed = {which for which, stamp in stamps.items() if lab.stamps.get(which) != stamp}
        due = queues | (changed if now.call is None else set())
        self._end_agents(lab, keep={machine for machine, _ in queues})
        found = self._ask(lab, due, keep={machine for machine, _ in queues})
        for which in found:
            if which in stamps:
                lab.stamps[which] = stamps[which]
        self.read = _entered(self.read, found, queues, time.time())

    def _ask(
        self, lab: _Lab, links: Iterable[LinkKey], keep: set[str]
    ) -> dict[LinkKey, LinkInForce]:
        """What is in force on each link; those of machines that do not answer are left out."""
        by_machine: dict[str, list[LinkKey]] = {}
        for link in sorted(links):
            by_machine.setdefault(link[0], []).append(link)
        found: dict[LinkKey, LinkInForce] = {}
        with ExitStack() as stack:
            for machine, own in by_machine.items():
                addresses = tuple(
                    address_of(lab.ready.topology, LinkPoint(*which)) for which in own
                )
                try:
                    agent = lab.agents.get(machine) or self._started(lab, machine)
                    if machine in keep:
                        lab.agents[machine] = agent
                    else:
                        stack.callback(agent.close)
                    shown = agent.ask(ShowLinks(addresses), LinksShown, DEADLINE_S)
                except LabError as error:
                    log.debug("links of %s: %s", machine, error)
                    if gone := lab.agents.pop(machine, None):
                        gone.close()
                    continue
                found |= zip(own, shown.links, strict=True)
        return found

    def _started(self, lab: _Lab, machine: str) -> Agent:
        # Its container may be another one than when the lab was opened.
        ready = open_lab_as_it_is(self._hub.client, lab.ready.running.name)
        return start_reader(ready.running, machine, ready.net_image, ready.owner)

    def _end_agents(self, lab: _Lab, keep: set[str]) -> None:
        for machine in lab.agents.keys() - keep:
            lab.agents.pop(machine).close()

    def _forget_agents(self) -> None:
        if self._lab is not None:
            self._end_agents(self._lab, set())


def _identity(now: LabNow) -> tuple[object, ...] | None:
    """By what a lab is known to be another one; None while none is up and told of."""
    if not now.is_up or not now.caught_up:
        return None
    return (
        now.lab,
        now.topology,
        tuple((*key, link.address) for key, link in list(now.links.items())),
    )


def _entered(
    read: Read,
    found: Mapping[LinkKey, LinkInForce],
    queues: set[LinkKey],
    at: float,
) -> Read:
    """What is known after a reading; queues that are read no more are forgotten."""
    shapes: dict[Side, Shaped] = dict(read.shapes)
    backlogs: dict[Side, Backlog] = {}
    for (machine, network), link in found.items():
        for direction in Direction:
            side, which = link.side(direction), (machine, network, direction)
            shapes[which] = Shaped.of(side.shape)
            if side.counters is None or side.shape.rate_kbps is None:
                continue
            if (machine, network) in queues:
                before = read.backlogs.get(which)
                dropped = side.counters.drops
                backlogs[which] = Backlog(
                    at=at,
                    shape=side.shape,
                    waiting_packets=side.counters.backlog_packets,
                    waiting_bytes=side.counters.backlog_bytes,
                    dropped=dropped,
                    is_dropping=before is not None and dropped > before.dropped,
                )
    return Read(shapes, backlogs)
