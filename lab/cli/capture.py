"""`lab capture`: what passes one point of a running lab, live."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from lab.capturing.kinds import KINDS, kinds, packet_filter
from lab.cli.completion import capture_points
from lab.cli.lab_option import LAB_OPTION
from lab.cli.output import err, out, print_json
from lab.cli.quantities import quantity
from lab.cli.stdout import STDOUT
from lab.errors import UsageError
from lab.topology.units import parse_duration_s

if TYPE_CHECKING:
    from lab.capturing.live import Captured
    from lab.capturing.overview import Listed
    from lab.capturing.sinks import Sink
    from lab.topology.model import Topology

PIPE = "-"


class _Command(click.Command):
    """Its help ends with every kind of traffic."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line each."""
        with formatter.section("Filters"):
            formatter.write_dl(list(KINDS.items()))


@click.command(cls=_Command)
@click.argument("point", required=False, shell_complete=capture_points)
@click.option(
    "-w",
    "--write",
    "target",
    metavar="FILE|-",
    help="Write a pcap file, or with - to standard output, packet by packet.",
)
@click.option(
    "--filter",
    "filters",
    type=click.Choice(tuple(KINDS)),
    multiple=True,
    help="Only such packets; several are taken together. Default: everything.",
)
@click.option("-c", "--count", type=click.IntRange(min=1), help="End after so many packets.")
@click.option("--duration", help="End after so long, such as 10s.")
@click.option("--list", "lists", is_flag=True, help="Tell where can be captured, and end.")
@click.option("--name", **LAB_OPTION)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print each packet as a line of JSON; with -w FILE, what the capture came to.",
)
def command(
    *,
    point: str | None,
    target: str | None,
    filters: tuple[str, ...],
    count: int | None,
    duration: str | None,
    lists: bool,
    name: str | None,
    as_json: bool,
) -> None:
    """Capture at POINT of a running lab, live, until Ctrl-C: a line for each packet, or pcap.

    POINT is a measuring point of calls (access, tunnel, exit, callee, …) or NODE:NETWORK; the
    exit is that of the call under way. Wireshark shows it live with

    \b
    lab capture exit -w - | wireshark -k -i -
    """
    from lab.capturing.live import Until, capture
    from lab.capturing.overview import overview
    from lab.capturing.place import LIST, find_place
    from lab.capturing.running_call import call_under_way
    from lab.engine.client import connect
    from lab.lifecycle.ready import open_lab_as_it_is

    seconds = quantity("--duration", duration, parse_duration_s)
    if not lists:
        if point is None:
            raise UsageError("no point to capture at", LIST)
        _check(target, as_json)
    client = connect()
    lab = open_lab_as_it_is(client, name)
    call = call_under_way(lab.running.name)
    if lists:
        _print_list(tuple(overview(lab, call)), as_json)
        return
    assert point is not None
    place = find_place(lab, point, call)
    known = kinds(lab.topology.vpn.port)
    wanted = [known[one] for one in dict.fromkeys(filters)]
    only = f", {' and '.join(kind.name for kind in wanted)} only" if wanted else ""
    captured = capture(
        client,
        lab,
        place,
        packet_filter(wanted),
        _sink(lab.topology, target, as_json),
        Until(count, seconds),
        lambda: err.print(f"capturing at {place}{only}; Ctrl-C ends it", soft_wrap=True),
    )
    err.print(_summary(captured), soft_wrap=True)
    if captured.trouble:
        raise captured.trouble
    if as_json and target is not None:
        print_json({"file": target, "packets": captured.packets, "dropped": captured.dropped})


def _check(target: str | None, as_json: bool) -> None:
    """UsageError for an output that makes no sense."""
    if target != PIPE:
        return
    if as_json:
        raise UsageError("-w - and --json both mean standard output", "Take one of them.")
    if os.isatty(STDOUT):
        raise UsageError(
            "a pcap file is not for a terminal, and standard output is one",
            "Name a file, or pipe it: `lab capture exit -w - | wireshark -k -i -`.",
        )


def _sink(topology: Topology, target: str | None, as_json: bool) -> Sink:
    from lab.capturing.sinks import LineSink, PcapSink, opening
    from lab.capturing.words import Wording, address_names

    if target is not None and target != PIPE:
        return PcapSink(target, opening(Path(target)))
    if target == PIPE:
        return PcapSink("standard output", lambda: STDOUT)
    wording = Wording(address_names(topology), kinds(topology.vpn.port).values())
    line = wording.json_line if as_json else wording.line
    return LineSink("standard output", lambda: STDOUT, line)


def _summary(captured: Captured) -> str:
    packets = f"{captured.packets} packet{'' if captured.packets == 1 else 's'}"
    if captured.dropped is None:
        return f"{packets}; how many were dropped is not known"
    return f"{packets}, {captured.dropped} dropped by the kernel"


def _print_list(listed: tuple[Listed, ...], as_json: bool) -> None:
    if as_json:
        print_json([one.plain() for one in listed])
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("point", "where", "now at", "address"):
        table.add_column(heading)
    for one in listed:
        if one.place is None:
            table.add_row(one.point, one.about, one.lacking, "")
        else:
            where = f"{one.place.machine}:{one.place.network}"
            table.add_row(one.point, one.about, where, str(one.place.address or ""))
    out.print(table)
