"""Options that say on which hosts the calls of an experiment are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import click

from lab.errors import UsageError
from lab.store.database import LOCAL, Run

MOST_LOCAL = 9
BACK, STAY = "back", "stay"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The hosts of a run."""

    address: str
    """As `Run.cluster` has it."""
    artefacts_stay: bool | None
    """None: as the run has it."""


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator; the command takes `cluster`, `local` and `artefacts`, for `cluster_of`."""
    cluster = click.option(
        "--cluster",
        metavar="ADDRESS",
        help="Call on the hosts of dask's scheduler there, such as tcp://10.1.2.3:8786 "
        "(docs/clusters.md).",
    )
    local = click.option(
        "--local",
        type=click.IntRange(1, MOST_LOCAL),
        help="Call on a cluster of that many workers of this host.",
    )
    artefacts = click.option(
        "--artefacts",
        type=click.Choice([BACK, STAY]),
        help="Of a cluster: have each call's files sent here, or left on the host that made it; "
        "default: back, or as the run was begun.",
    )
    return cluster(local(artefacts(command)))


def cluster_of(address: str | None, local: int | None, artefacts: str | None) -> Cluster | None:
    """What the options say; None where they name no cluster.

    UsageError where they name two, or none of which more is said.
    """
    if address is not None and local is not None:
        raise UsageError("calls are made on one cluster", "Drop --cluster or --local.")
    stay = None if artefacts is None else artefacts == STAY
    if local is not None:
        return Cluster(f"{LOCAL}{local}", stay)
    if address is None:
        if stay is not None:
            raise UsageError("--artefacts is said of a cluster", "Add --cluster or --local.")
        return None
    if address.startswith(LOCAL):
        raise UsageError(
            f"{address!r} is no address of a scheduler",
            "Such as tcp://10.1.2.3:8786; --local says how many workers of this host.",
        )
    return Cluster(address, stay)


def placed(run: Run, cluster: Cluster | None) -> Run:
    """The run as it is made on a cluster; as it is, where none is named."""
    if cluster is None:
        return run
    stay = run.artefacts_stay if cluster.artefacts_stay is None else cluster.artefacts_stay
    return replace(run, cluster=cluster.address, artefacts_stay=stay)
