"""`lab fault`: break what a running lab consists of, by hand, and make it whole again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from lab.cli.completion import node_names
from lab.cli.lab_option import LAB_OPTION
from lab.cli.output import doing, err, out, print_json
from lab.cli.quantities import quantity
from lab.errors import UsageError
from lab.faults.fault import Fault
from lab.faults.kind import FaultKind, Over
from lab.faults.kinds import FAULT_KINDS
from lab.faults.notation import share_of
from lab.topology.units import format_moment, parse_moment_s
from lab.wire.faults import BY_HAND

if TYPE_CHECKING:
    from docker import DockerClient

    from lab.events import Listener
    from lab.faults.found import Found
    from lab.lifecycle.ready import ReadyLab

NAME = click.Option(["--name"], **LAB_OPTION)
AS_JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print as JSON.")
FOR = click.Option(
    ["--for", "lasts"],
    metavar="TIME",
    help="End it after this time, such as 2s, 500ms or 1m; default: it stays until it is ended.",
)


@click.group()
def command() -> None:
    """Break a link or a node of a running lab, and make it whole again.

    At once, also while a call is under way: its record names what was broken, and it is not
    valid. A call that is to meet a fault asks for it: `lab call --fault`.
    """


def _places(kind: FaultKind) -> list[click.Parameter]:
    """The node, and for a link its network."""
    node = click.Argument(["node"], shell_complete=node_names)
    return [node, *([click.Argument(["network"])] if kind.on_link else [])]


def _beginning(kind: FaultKind) -> click.Command:
    """`lab fault down`, and so on."""
    share = [click.Argument(["share"])] if kind.has_share else []

    def begin(**words: Any) -> None:
        _begin(kind, **words)

    return click.Command(
        kind.name,
        callback=begin,
        params=[*_places(kind), *share, FOR, NAME, AS_JSON],
        help=f"{kind.description}.",
    )


def _ending(kind: FaultKind) -> click.Command:
    """`lab fault up`, and so on."""

    def end(**words: Any) -> None:
        _end(kind, **words)

    return click.Command(
        kind.ended_by, callback=end, params=[*_places(kind), NAME, AS_JSON], help=f"{kind.ending}."
    )


def _begin(
    kind: FaultKind,
    node: str,
    lasts: str | None,
    name: str | None,
    as_json: bool,
    network: str | None = None,
    share: str | None = None,
) -> None:
    from lab.faults.told import began, ended
    from lab.interruption import undisturbed

    fault = Fault(
        kind.name,
        node,
        network,
        loss_pct=quantity("SHARE", share, share_of),
        for_s=_lasting(lasts),
    )
    with _opened(name) as (client, lab, tell):
        _check(lab, fault)
        over: Over | None = None
        with kind.inject.load()(lab, fault, tell) as injection:
            with undisturbed():
                began_at = injection.begin(BY_HAND)
                tell(began(fault))
                if fault.for_s is None:
                    injection.keep()
            if fault.for_s is not None:
                err.print(f"{fault.place}: {kind.past} for {format_moment(fault.for_s)} ...")
                try:
                    threading.Event().wait(max(0.0, began_at + fault.for_s - time.time()))
                finally:
                    with undisturbed():
                        over = injection.end()
                        tell(ended(fault, over.at - began_at, over.lost))
        verified = None
        if over is not None and kind.stops_node:
            verified = _verified(client, lab)
    _say_begun(kind, fault, began_at, over, as_json)
    _say_verified(verified)


def _say_begun(
    kind: FaultKind, fault: Fault, began_at: float, over: Over | None, as_json: bool
) -> None:
    undo = kind.undo(fault.node, fault.network)
    lasted_s = None if over is None else over.at - began_at
    lost = None if over is None else over.lost
    if as_json:
        print_json(
            {
                "kind": fault.kind,
                "node": fault.node,
                "network": fault.network,
                "loss_pct": fault.loss_pct,
                "began_at": began_at,
                "ended_at": over.at if over else None,
                "lost": lost,
                "undo": None if over else undo,
            }
        )
        return
    share = "" if fault.loss_pct is None else f" ({fault.loss_pct:g} %)"
    what = f"{fault.place}: {kind.past}{share}"
    if lasted_s is None:
        out.print(f"{what}. `{undo}` ends it, `lab fault clear` all there are.", soft_wrap=True)
    else:
        packets = "" if lost is None else f", {lost} packets lost"
        out.print(f"{what} for {lasted_s:.2f} s{packets}; it is over.", soft_wrap=True)


def _end(
    kind: FaultKind, node: str, name: str | None, as_json: bool, network: str | None = None
) -> None:
    fault = Fault(kind.name, node, network)
    verified = None
    with _opened(name) as (client, lab, tell):
        _check(lab, fault)
        with doing(f"{kind.ended_by} {fault.place} ..."):
            there_was = kind.mend.load()(lab, fault, tell)
        if kind.stops_node:
            verified = _verified(client, lab)
    if as_json:
        print_json({"node": node, "network": network, "ended": there_was})
    elif there_was:
        out.print(f"{fault.place}: whole again", soft_wrap=True)
    else:
        err.print(f"{fault.place} had no fault that `{kind.ended_by}` could end", soft_wrap=True)
    _say_verified(verified)


for _kind in FAULT_KINDS:
    command.add_command(_beginning(_kind))
    if _kind.ended_by not in command.commands:
        command.add_command(_ending(_kind))


@command.command("list", params=[NAME, AS_JSON])
def list_(name: str | None, as_json: bool) -> None:
    """List what is broken now, as the machines themselves and Docker tell it."""
    from lab.faults.found import found_in

    with _opened(name) as (_, lab, _tell):
        found = found_in(lab)
    if as_json:
        print_json([_plain(one) for one in found])
    elif not found:
        err.print(f"Nothing of lab {lab.running.name} is broken.")
    else:
        out.print(_table(found))


@command.command(params=[NAME, AS_JSON])
def clear(name: str | None, as_json: bool) -> None:
    """End all faults: links, paused nodes, and dead ones, which are started again."""
    from lab.faults.ending import end_links
    from lab.faults.found import found_in
    from lab.faults.told import ended
    from lab.lifecycle.again import start_again

    verified = None
    with _opened(name) as (client, lab, tell):
        with doing("ending all faults ..."):
            found = found_in(lab)
            end_links(lab, found, tell)
            nodes = [one for one in found if one.network is None]
            if nodes:
                start_again(client, lab, tell)
            for one in nodes:
                tell(ended(Fault(one.kind, one.node)))
        if any(FAULT_KINDS.named(one.kind).stops_node for one in nodes):
            verified = _verified(client, lab)
    if as_json:
        print_json([_plain(one) for one in found])
    elif not found:
        err.print(f"Nothing of lab {lab.running.name} was broken.")
    else:
        for one in found:
            out.print(f"{one.place}: whole again", soft_wrap=True)
    _say_verified(verified)


@contextmanager
def _opened(name: str | None) -> Iterator[tuple[DockerClient, ReadyLab, Listener]]:
    """The lab, whole or not, whoever calls in it, and who is to be told of what is done."""
    from lab.cli.progress import saying
    from lab.engine.client import connect
    from lab.events import FaultBegan, FaultEnded, Happening, both
    from lab.events.journal import in_lab
    from lab.lifecycle.ready import open_lab_as_it_is

    client = connect()
    lab = open_lab_as_it_is(client, name)
    say = saying(lambda _: None)

    def remark(happening: Happening) -> None:
        # What is broken and mended is this command's own answer.
        if not isinstance(happening, FaultBegan | FaultEnded):
            say(happening)

    yield client, lab, both(remark, in_lab(lab.running.name, "fault"))


def _check(lab: ReadyLab, fault: Fault) -> None:
    from lab.faults.check import check_faults

    check_faults(lab.topology, [fault])


def _verified(client: DockerClient, lab: ReadyLab) -> bool:
    """Whether the lab was verified, as `lab up` does.

    Not where somebody calls in it, or more of it does not run: that would be started, too.
    """
    from lab.cli.progress import saying
    from lab.engine.discovery import find_lab
    from lab.engine.lock import has_run, has_turn
    from lab.faults.nodes import have_whole

    name = lab.running.name
    if has_turn(name) or has_run(name) or find_lab(client, name).stopped:
        return False
    with doing("verifying the lab ...") as say:
        have_whole(client, lab, saying(say, "verifying: "))
    return True


def _say_verified(verified: bool | None) -> None:
    if verified is False:
        err.print(
            "Its programs were not waited for: somebody calls in the lab, or more of it does not "
            "run. `lab up` verifies all of it.",
            soft_wrap=True,
        )


def _plain(found: Found) -> dict[str, Any]:
    link = found.link
    return {
        "kind": found.kind,
        "node": found.node,
        "network": found.network,
        "loss_pct": link.loss_pct if link else None,
        "began_at": link.began_at if link else None,
        "until": link.until if link else None,
        "of": link.of if link else None,
        "lost": link.lost if link else None,
        "undo": found.undo,
    }


def _table(found: Sequence[Found]) -> Table:
    table = Table(box=None, header_style="bold")
    for column in ("what", "is", "since", "until", "by", "ends with"):
        table.add_column(column)
    for one in found:
        link = one.link
        what = link.what if link else FAULT_KINDS.named(one.kind).past
        since, until = (_clock(link.began_at), _clock(link.until)) if link else ("", "")
        by = "" if link is None else "hand" if link.of == BY_HAND else f"call {link.of}"
        table.add_row(one.place, what, since, until, by, one.undo)
    return table


def _clock(at: float | None) -> str:
    return "" if at is None else f"{datetime.fromtimestamp(at).astimezone():%H:%M:%S}"


def _lasting(text: str | None) -> float | None:
    lasts = quantity("--for", text, parse_moment_s)
    if lasts == 0:
        raise UsageError("--for: a fault lasts some time", "Leave --for out, or say 2s.")
    return lasts
