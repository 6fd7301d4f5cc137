"""`lab call`: one call over a running lab, scored and stored."""

from __future__ import annotations

from typing import Any, cast

import click

from lab.calls.coding import choose_coding
from lab.calls.method import Method
from lab.calls.methods import METHODS
from lab.cli.durations import call_s_of
from lab.cli.output import doing, print_json
from lab.cli.registered import Registered
from lab.errors import UsageError
from lab.load.kinds import LOAD_KINDS
from lab.load.notation import parse_load
from lab.shaping.placement import PLACEMENTS
from lab.sweep.point import Direction, Placement, Point
from lab.topology.units import parse_rate_kbps
from lab.wire.codecs import CODECS
from lab.wire.playout import FIXED, Playout, parse_playout


class _Command(click.Command):
    """Its help ends with what every method and every kind of load is."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line each."""
        with formatter.section("Methods"):
            formatter.write_dl([(method.name, method.description) for method in METHODS])
        with formatter.section("Loads"):
            formatter.write_dl([(kind.name, kind.explanation) for kind in LOAD_KINDS])


@click.command(cls=_Command)
@click.argument("method", type=Registered(METHODS, "method"))
@click.option("--name", help="The lab; default: the only one.")
@click.option(
    "--codec",
    type=click.Choice(list(CODECS), case_sensitive=False),
    help="The speech codec; Mumble has OPUS alone, the phones have all (default: PCMU).",
)
@click.option(
    "--duration",
    metavar="DURATION",
    help="How long both ends talk, such as 4m; default: the clip once.",
)
@click.option("--ptime", type=int, help="Milliseconds of voice in a packet: 20, 40 or 60.")
@click.option("--bitrate", type=int, help="kbit/s of a codec that takes one: OPUS, 6 to 256.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses the circuit.")
@click.option("--vbr", is_flag=True, help="Mumble: variable instead of constant bit rate.")
@click.option(
    "--playout",
    help="The buffer before both ears, fixed or adaptive, with its depth in ms, such as fixed:60 "
    "or adaptive:60 (default: fixed:200).",
)
@click.option(
    "--load", help="Competing traffic, such as wget:20, wget:20:tor, voip:5:tor or mumble:5:tor."
)
@click.option("--rate", help="Cap the shared link during the call, such as 10mbit.")
@click.option("--queue", type=click.IntRange(min=1), help="Length of the queue there, packets.")
@click.option(
    "--placement",
    type=click.Choice(PLACEMENTS),
    default="server",
    show_default=True,
    help="Where the shared link sits.",
)
@click.option(
    "--direction",
    type=click.Choice(["to-caller", "to-callee"]),
    default="to-caller",
    show_default=True,
    help="Which way voice and competing traffic share the link.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    method: Method,
    name: str | None,
    codec: str | None,
    duration: str | None,
    ptime: int | None,
    bitrate: int | None,
    seed: int,
    vbr: bool,
    playout: str | None,
    as_json: bool,
    **circumstances: Any,
) -> None:
    """Make one call by METHOD; exit status 1 where it failed.

    Longer than the clip (30 s), the clip is repeated and PESQ becomes a series of windows.
    """
    from lab.calls.call import CallPlan, make_call
    from lab.cli.call_record import print_record
    from lab.cli.progress import saying
    from lab.engine.client import connect
    from lab.lifecycle.ready import open_lab
    from lab.store.database import open_store
    from lab.sweep.conditions import conditions

    carried = method.codec(codec)
    choose_coding(carried, ptime, bitrate)
    buffer = FIXED if playout is None else playout_of(playout)
    method.check_playout(carried, buffer)
    if vbr and not method.talkers.variable_rate:
        able = ", ".join(other.name for other in METHODS if other.talkers.variable_rate)
        raise UsageError(f"{method.name} has no variable bit rate", f"These methods have: {able}.")
    point = point_of(method.name, carried.name, **circumstances)
    plan = CallPlan(
        method.name,
        carried.name,
        ptime_ms=ptime,
        bitrate_kbps=bitrate,
        duration_s=call_s_of(duration),
        seed=seed,
        playout=buffer,
        vbr=vbr,
    )
    lab = open_lab(connect(), name)
    method.check_topology(lab.topology)
    with doing("calling ...") as say, open_store() as store:
        tell = saying(say, f"{method.name}: ")
        with conditions(lab, point, seed, tell) as observers:
            record = make_call(lab, plan, tell, observers)
        record.direction, record.placement = point.direction, point.placement
        store.add_call(record)
    if as_json:
        print_json(record.to_dict())
    else:
        print_record(record)
    ctx.exit(0 if record.status == "ok" else 1)


def playout_of(text: str) -> Playout:
    """What `--playout` asks for; UsageError where there is no such buffer."""
    try:
        return parse_playout(text)
    except ValueError as error:
        raise UsageError(f"--playout: {text!r} {error}") from None


def point_of(
    method: str,
    codec: str,
    load: str | None,
    rate: str | None,
    queue: int | None,
    placement: str,
    direction: str,
) -> Point:
    """What the options ask for, as a point of an experiment; UsageError where they are wrong."""
    try:
        rate_kbps = None if rate is None else parse_rate_kbps(rate)
    except ValueError as error:
        raise UsageError(f"--rate: {rate!r} {error}") from None
    if queue is not None and rate is None:
        raise UsageError("--queue needs --rate", "Only a capped link has a queue.")
    wanted = None if load is None else parse_load(load)
    point = Point(
        method=method,
        codec=codec,
        direction=cast(Direction, direction),
        rate_kbps=rate_kbps,
        placement=cast(Placement, placement),
        queue_packets=queue,
        load_kind=wanted.kind if wanted else "none",
        load_count=wanted.count if wanted else 0,
        load_through=wanted.route if wanted else None,
    )
    return point.normalised()
