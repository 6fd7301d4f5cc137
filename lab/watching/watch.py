"""The stream of one lab: Docker's events, the kernel's counters, and what commands tell."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from queue import Empty, SimpleQueue

from docker import DockerClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from lab.engine.discovery import RunningLab, find_lab
from lab.engine.node_events import node_events, open_node_events
from lab.errors import LabError
from lab.events import CaughtUp, Happening, LabGone, LinkFound, NodeState
from lab.events.at_work import under_way
from lab.events.following import Follower
from lab.events.journal import lab_journal
from lab.events.told import Told
from lab.watching.counters import LinkReader
from lab.watching.snapshot import found, runs_at_work

log = logging.getLogger(__name__)

POLL_S = 0.1
"""How often journals are looked into."""
DOCKER, KERNEL, STORE, WATCH = "docker", "kernel", "store", "watch"
"""Who tells what no command does."""


def watch(client: DockerClient, lab: RunningLab, interval_s: float) -> Generator[Told]:
    """All that happens in a running lab: first what is so, up to `CaughtUp`, then what changes.

    The counters of its links come every `interval_s`. It ends when the lab has gone, or when
    nobody asks for more; LabError where the engine has ended.
    """
    news: SimpleQueue[Told | LabError] = SimpleQueue()
    with ExitStack() as stack:
        # From before the snapshot on, so that nothing falls between it and what follows.
        stack.enter_context(_hearing(client, lab.name, news))
        journal = stack.enter_context(closing(Follower(lab_journal(lab.name))))
        networks: dict[tuple[str, str], str] = {}
        for happening in found(lab):
            if isinstance(happening, LinkFound) and happening.interface:
                networks[happening.node, happening.interface] = happening.network
            yield _told(lab.name, KERNEL if isinstance(happening, LinkFound) else DOCKER, happening)
        for run in runs_at_work(lab.name):
            yield _told(lab.name, STORE, run)
        yield from under_way(journal.new())
        yield _told(lab.name, WATCH, CaughtUp())
        reader = LinkReader(client, networks)
        stack.enter_context(_counting(client, lab.name, reader, interval_s, news))
        there = {node.name for node in lab.nodes}
        while there:
            yield from journal.new()
            for told in _drained(news):
                yield told
                if isinstance(told.what, NodeState):
                    there = _still_there(there, told.what)
        yield _told(lab.name, DOCKER, LabGone())


def _told(lab: str, teller: str, happening: Happening, at: float | None = None) -> Told:
    return Told(time.time() if at is None else at, lab, teller, os.getpid(), happening)


def _still_there(there: set[str], node: NodeState) -> set[str]:
    return there - {node.node} if node.state == "removed" else there | {node.node}


def _drained(news: SimpleQueue[Told | LabError]) -> Iterator[Told]:
    """What has come; waits for the first of it, but not for long."""
    try:
        item = news.get(timeout=POLL_S)
        while True:
            if isinstance(item, LabError):
                raise item
            yield item
            item = news.get_nowait()
    except Empty:
        return


@contextmanager
def _hearing(client: DockerClient, lab: str, news: SimpleQueue[Told | LabError]) -> Iterator[None]:
    """Put into `news` what Docker tells of the lab's nodes, while the block runs."""
    stream = open_node_events(client, lab)
    left = threading.Event()

    def hear() -> None:
        try:
            for at, happening in node_events(stream):
                news.put(_told(lab, DOCKER, happening, at))
        except Exception as error:
            # However the stream breaks, when it is closed too: what counts is whether it was left.
            log.debug("Docker's events: %s", error)
        if not left.is_set():
            news.put(LabError(f"the Docker engine tells nothing more of lab {lab}"))

    threading.Thread(target=hear, daemon=True).start()
    try:
        yield
    finally:
        left.set()
        stream.close()


@contextmanager
def _counting(
    client: DockerClient,
    lab: str,
    reader: LinkReader,
    interval_s: float,
    news: SimpleQueue[Told | LabError],
) -> Iterator[None]:
    """Put the counters of the lab's links into `news`, again and again, while the block runs."""
    left = threading.Event()

    def count() -> None:
        while not left.is_set():
            began = time.monotonic()
            try:
                nodes = find_lab(client, lab).nodes
                for at, counters in reader.read(nodes):
                    news.put(_told(lab, KERNEL, counters, at))
            except Exception as error:
                # A process that ends lets no thread begin another; it has been left by then.
                known = isinstance(error, LabError | DockerException | RequestException)
                if not known and not left.is_set():
                    raise
                log.debug("no counters: %s", error)
            left.wait(began + interval_s - time.monotonic())

    threading.Thread(target=count, daemon=True).start()
    try:
        yield
    finally:
        left.set()
