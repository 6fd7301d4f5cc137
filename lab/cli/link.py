"""`lab link`: what the links of a running lab do to packets, live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from lab.cli.lab_option import LAB_OPTION
from lab.cli.output import doing, err, out, print_json, styled
from lab.cli.quantities import quantity
from lab.errors import UsageError
from lab.topology.units import parse_delay_ms, parse_percent, parse_rate_kbps
from lab.wire.links import Counters
from lab.wire.shape import Direction, Distribution, FifoKind, ShapeChange, ShaperKind

if TYPE_CHECKING:
    from docker import DockerClient

    from lab.events import Listener
    from lab.lifecycle.ready import ReadyLab
    from lab.shaping.live import LinkState

NONE = "none"

name_option = click.option("--name", **LAB_OPTION)
json_option = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


@click.group()
def command() -> None:
    """Show or change the rate, queue, delay and loss of links, live."""


@command.command()
@click.argument("node", required=False)
@click.argument("network", required=False)
@name_option
@json_option
def show(node: str | None, network: str | None, name: str | None, as_json: bool) -> None:
    """Show what is configured, in force and counted on all links, or those of NODE."""
    from lab.engine.client import connect
    from lab.lifecycle.ready import open_lab
    from lab.shaping import live
    from lab.shaping.borrowed import left_changed

    lab = open_lab(connect(), name)
    states = live.show(lab, node, network)
    if left := left_changed(lab.running.name):
        err.print(left, soft_wrap=True)
    if as_json:
        print_json([_plain(state) for state in states])
    else:
        print_states(states)


@command.command("set")
@click.argument("node")
@click.argument("network")
@click.option(
    "--direction",
    type=click.Choice([str(direction) for direction in Direction]),
    default=str(Direction.OUT),
    show_default=True,
    help="What the node sends, or what it receives.",
)
@click.option("--rate", help=f"The cap, such as 10mbit; {NONE} takes it off.")
@click.option("--queue", type=click.IntRange(min=1), help="Length of the queue, packets.")
@click.option("--queue-bytes", type=click.IntRange(min=1514), help="Length of the queue, bytes.")
@click.option(
    "--kind",
    type=click.Choice([str(kind) for kind in ShaperKind]),
    help="The queueing discipline that holds the rate.",
)
@click.option("--delay", help="How long every packet is on the way, such as 20ms.")
@click.option("--jitter", help="The standard deviation of the delay, such as 5ms.")
@click.option(
    "--distribution",
    type=click.Choice([str(distribution) for distribution in Distribution]),
    help="How the delay scatters.",
)
@click.option("--loss", help="The share of packets lost at random on the way, such as 0.5%.")
@click.option("--reorder/--no-reorder", default=None, help="Whether packets may pass others.")
@name_option
@json_option
def set_(
    node: str, network: str, direction: str, name: str | None, as_json: bool, **changes: Any
) -> None:
    """Change NODE's link to NETWORK; what is not named stays as it is."""
    from lab.engine.client import connect
    from lab.lifecycle.ready import open_lab
    from lab.shaping import live
    from lab.shaping.cap import LinkPoint, find_link

    wanted = changes_from(**changes)
    client = connect()
    lab = open_lab(client, name)
    find_link(lab.topology, node, network)
    point = LinkPoint(node, network, Direction(direction))
    with _changing(client, lab.running.name) as (lab, tell):
        live.change(lab, point, wanted, tell)
        states = live.show(lab, node, network)
    if as_json:
        print_json([_plain(state) for state in states])
    else:
        print_states(states)


@command.command()
@click.argument("node", required=False)
@click.argument("network", required=False)
@name_option
def reset(node: str | None, network: str | None, name: str | None) -> None:
    """Bring links back to what the topology says: all, or those of NODE."""
    from lab.engine.client import connect
    from lab.engine.discovery import find_lab
    from lab.shaping import live

    client = connect()
    with _changing(client, find_lab(client, name).name) as (lab, tell):
        live.reset(lab, node, network, tell)
    what = " ".join(part for part in (node, network) if part) or "all links"
    err.print(f"{lab.running.name}: {what} as in topology {lab.topology.name}")


@contextmanager
def _changing(client: DockerClient, lab: str) -> Iterator[tuple[ReadyLab, Listener]]:
    """The lab while nobody calls in it, and who is to be told of every change."""
    from lab.calls.turn import having_turn
    from lab.cli.progress import saying
    from lab.events import both
    from lab.events.journal import in_lab

    with doing("changing links ...") as say:
        tell = both(saying(say), in_lab(lab, "link"))
        with having_turn(client, lab, tell) as ready:
            yield ready, tell


def changes_from(
    rate: str | None,
    queue: int | None,
    queue_bytes: int | None,
    kind: str | None,
    delay: str | None,
    loss: str | None,
    jitter: str | None = None,
    distribution: str | None = None,
    reorder: bool | None = None,
) -> ShapeChange:
    """The change that the options ask for; UsageError where they make no sense."""
    if queue is not None and queue_bytes is not None:
        raise UsageError("--queue and --queue-bytes exclude each other")
    uncapped = rate == NONE
    fifo = None if queue is None else FifoKind.PFIFO
    change = ShapeChange(
        rate_kbps=None if uncapped else quantity("--rate", rate, parse_rate_kbps),
        uncapped=uncapped,
        kind=ShaperKind(kind) if kind else None,
        fifo=FifoKind.BFIFO if queue_bytes is not None else fifo,
        limit=queue if queue_bytes is None else queue_bytes,
        delay_ms=quantity("--delay", delay, parse_delay_ms),
        jitter_ms=quantity("--jitter", jitter, parse_delay_ms),
        distribution=Distribution(distribution) if distribution else None,
        loss_pct=quantity("--loss", loss, parse_percent),
        reorders=reorder,
    )
    if change == ShapeChange():
        raise UsageError("nothing to set", "Name at least one of --rate, --queue, --delay, …")
    return change


def print_states(states: Sequence[LinkState]) -> None:
    """Print links as a table; a direction that nothing shapes or should shape is left out."""
    table = Table(box=None, header_style="bold")
    for column in ("node", "network", "", "in force", "configured"):
        table.add_column(column)
    for column in ("MB", "packets", "drops", "overlimits", "backlog"):
        table.add_column(column, justify="right")
    for state in states:
        open_ = state.in_force.is_open and state.configured.is_open
        if open_ and state.fault is None and state.point.direction == "in":
            continue
        counters = state.counters
        table.add_row(
            state.point.node,
            state.point.network,
            str(state.point.direction),
            str(state.in_force)
            if state.fault is None
            else styled(f"{state.in_force}; {state.fault.what}", "red"),
            "the same"
            if state.configured == state.in_force
            else styled(str(state.configured), "yellow"),
            *(_counted(counters) if counters else ("-",) * 5),
        )
    out.print(table)


def _counted(counters: Counters) -> tuple[str, ...]:
    """MB, packets, drops, overlimits and backlog."""
    packets = (counters.packets, counters.drops, counters.overlimits, counters.backlog_packets)
    return (f"{counters.bytes / 1e6:.3f}", *map(str, packets))


def _plain(state: LinkState) -> dict[str, Any]:
    return {
        "node": state.point.node,
        "network": state.point.network,
        "direction": str(state.point.direction),
        "interface": state.interface,
        "configured": state.configured.plain,
        "in_force": state.in_force.plain,
        "counters": state.counters and asdict(state.counters),
        "fault": state.fault and asdict(state.fault),
    }
