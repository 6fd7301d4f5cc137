"""The same work on thousands of things, in processes of which any may crash."""

from __future__ import annotations

import multiprocessing
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

ThingT = TypeVar("ThingT")
DoneT = TypeVar("DoneT")
Progress = Callable[[int, int], None]
"""Called with the things done and the things in all."""


def in_parallel(
    things: Sequence[ThingT], work: Callable[[ThingT], DoneT], jobs: int, module: str
) -> Iterator[tuple[ThingT, DoneT | None]]:
    """Each thing with what `work` made of it, as they finish, from `jobs` processes.

    `work` must be importable; `module` names what it needs, which is imported once. What crashes
    the PESQ program takes its process down, and with it all that is in flight. That is done again
    one at a time, so that only the culprit is given up: None.
    """
    waiting = list(things)
    while waiting:
        suspects: list[ThingT] = []
        for thing, done in _until_a_crash(waiting, work, jobs, module):
            if done is None:
                suspects.append(thing)
                continue
            waiting.remove(thing)
            yield thing, done
        for thing in suspects:
            for _, done in _until_a_crash([thing], work, 1, module):
                waiting.remove(thing)
                yield thing, done


def _until_a_crash(
    things: Sequence[ThingT], work: Callable[[ThingT], DoneT], jobs: int, module: str
) -> Iterator[tuple[ThingT, DoneT | None]]:
    """Each thing with its result; None for those in flight when a process died, which ends it."""
    # Workers start from a clean process that has done the slow imports once.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    workers = max(1, min(jobs, len(things)))
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(workers, context, _work_in_the_background) as pool:
        flying: dict[Future[DoneT], ThingT] = {}
        try:
            for thing in things:
                flying[pool.submit(work, thing)] = thing
                # Few in flight: after a crash few have to be done again.
                if len(flying) < workers + 1:
                    continue
                yield from _landed(flying)
            while flying:
                yield from _landed(flying)
        except BrokenProcessPool:
            yield from ((thing, None) for thing in flying.values())
        except BaseException:
            # Interrupted, or nobody wants the rest: do not wait for what is in flight.
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            raise


def _landed(flying: dict[Future[DoneT], ThingT]) -> Iterator[tuple[ThingT, DoneT]]:
    done, _ = wait(flying, return_when=FIRST_COMPLETED)
    for future in done:
        result = future.result()
        yield flying.pop(future), result


def _work_in_the_background() -> None:
    """Leave interrupts to the parent, and libraries' warnings to nobody."""
    warnings.simplefilter("ignore")
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
