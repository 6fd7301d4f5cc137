"""`lab call`: one call over a running lab, scored and stored."""

from __future__ import annotations

from pathlib import Path

import click

from lab.calls.method import Method
from lab.calls.methods import METHODS
from lab.cli.dimension_options import Chosen, dimension_options, point_of
from lab.cli.lab_option import LAB_OPTION
from lab.cli.opinion_options import asked, opinion_options
from lab.cli.output import doing, print_json
from lab.cli.registered import Registered
from lab.errors import UsageError
from lab.load.kinds import LOAD_KINDS
from lab.measure.opinion import Opinion
from lab.measure.record import CallRecord


class _Command(click.Command):
    """Has an option for each dimension, and help that ends with every method and kind of load."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Its own, and those of the dimensions that there are now."""
        own = super().get_params(ctx)
        return [*own[:2], *dimension_options(), *own[2:]]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line each."""
        with formatter.section("Methods"):
            formatter.write_dl([(method.name, method.description) for method in METHODS])
        with formatter.section("Loads"):
            formatter.write_dl([(kind.name, kind.explanation) for kind in LOAD_KINDS])


@click.command(cls=_Command)
@click.argument("method", type=Registered(METHODS, "method"))
@click.option("--name", **LAB_OPTION)
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses the circuit.")
@click.option("--vbr", is_flag=True, help="Mumble, WebRTC: variable instead of constant bit rate.")
@opinion_options("after the call, which takes a minute or two")
@click.option("--stalls", is_flag=True, help="Also list every gap in what was heard.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    method: Method,
    name: str | None,
    seed: int,
    vbr: bool,
    every: bool,
    some: tuple[Opinion, ...],
    stalls: bool,
    as_json: bool,
    **given: Chosen | None,
) -> None:
    """Make one call by METHOD; exit status 1 where it failed.

    Longer than the clip (30 s), the clip is repeated and PESQ becomes a series of windows.
    """
    from lab.calls.call import make_call
    from lab.calls.opinions import add_opinions
    from lab.calls.turn import having_turn
    from lab.cli.call_record import print_record
    from lab.cli.progress import saying
    from lab.cli.stalls import print_stalls
    from lab.engine.client import connect
    from lab.events import both
    from lab.events.journal import in_lab
    from lab.faults.nodes import have_whole
    from lab.interruption import undisturbed
    from lab.lifecycle.ready import open_lab
    from lab.store.database import open_store
    from lab.sweep.asked import call_plan
    from lab.sweep.conditions import conditions
    from lab.sweep.dimensions.fault import stops_a_node

    if vbr and not method.talkers.variable_rate:
        able = ", ".join(other.name for other in METHODS if other.talkers.variable_rate)
        raise UsageError(f"{method.name} has no variable bit rate", f"These methods have: {able}.")
    point = point_of(method.name, [chosen for chosen in given.values() if chosen])
    plan = call_plan(point, seed=seed, vbr=vbr)
    opinions = asked(every, some)
    client = connect()
    lab = open_lab(client, name)
    method.hiding(plan.anonymous).check_topology(lab.topology)
    point.check_suits(lab.topology)
    with doing("calling ...") as say, open_store() as store:
        saying_so = saying(say, f"{method.name}: ")
        tell = both(saying_so, in_lab(lab.running.name, "call"))
        record: CallRecord | None = None
        try:
            with (
                having_turn(client, lab.running.name, tell) as lab,
                conditions(lab, point, seed, tell) as observers,
            ):
                record = make_call(lab, plan, tell, observers)
        finally:
            # Also where putting back what surrounded the call is interrupted.
            if record is not None:
                with undisturbed():
                    store.add_call(record)
        if stops_a_node(point):
            have_whole(client, lab, saying_so)
        if opinions:
            (record,) = add_opinions(store, [record], opinions, say)
    if as_json:
        print_json(record.to_dict())
    else:
        print_record(record)
        if stalls and record.artefacts:
            print_stalls(Path(record.artefacts))
    ctx.exit(0 if record.status == "ok" else 1)
