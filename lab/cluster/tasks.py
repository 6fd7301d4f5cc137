"""What workers of a cluster are asked to do; each is found there by its name in this module."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

from distributed import get_worker

from lab.cluster.alike import about_here
from lab.cluster.host import Host
from lab.cluster.travel import Delivery, Order, Run
from lab.events import Happening
from lab.sweep.outbox import CallName

HOST = "lab_host"
"""The attribute of dask's worker that has the `Host`."""
RESOURCE = "LAB"
"""What a worker of the lab has as many of as labs; a call takes one."""


def topic(run_id: str) -> str:
    """Under which workers tell what happens in the calls of a run."""
    return f"lab {run_id}"


def make(order: Order) -> Delivery:
    """Make a call."""
    worker = get_worker()

    def tell(happening: Happening) -> None:
        worker.log_event(topic(order.run.run_id), pickle.dumps((order.name, happening)))

    return _host().make(order, tell)


def about() -> dict[str, str]:
    """What must be alike, and what records call the host."""
    return {**about_here(), "host": _host().name}


def waiting(run_id: str) -> tuple[Sequence[CallName], Sequence[CallName]]:
    """The calls of a run that are finished on the host, and those under way."""
    host = _host()
    # In this order: what ends in between is in both.
    under_way = host.under_way(run_id)
    return host.finished(run_id), under_way


def deliver(name: CallName, run: Run) -> Delivery | None:
    """A finished call."""
    return _host().deliver(name, run)


def forget(name: CallName, run: Run) -> None:
    """A call is stored."""
    _host().forget(name, run)


def end_run(run_id: str) -> None:
    """A run makes no more calls."""
    _host().end_run(run_id)


def _host() -> Host:
    host: Host = getattr(get_worker(), HOST)
    return host
