"""`lab up`: bring a lab up and verify it, or show what would be started."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from lab.cli.completion import topologies
from lab.cli.output import doing, err, out, print_json
from lab.cli.status import print_status
from lab.errors import LabError, UsageError

if TYPE_CHECKING:
    from lab.lifecycle.stages import Stage

log = logging.getLogger(__name__)

BAR_WIDTH = 24

NEXT = """Next:
  lab call v-tor          a call through OpenVPN and Tor, scored
  lab call sip            the same call without either
  lab status              what runs, and at which rates
  {down:22}  take it down"""


@click.command()
@click.argument("topology", default="paper", shell_complete=topologies)
@click.option("--name", help="The lab's name; default: the topology's. Several run side by side.")
@click.option(
    "--place",
    "places",
    multiple=True,
    metavar="NODE=CITY",
    help="Where NODE stands instead (`lab places`); may be repeated.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Another value of a key of the topology (relays.count=50); may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Show the rendered project; start nothing.")
@click.option(
    "--directory", type=click.Path(path_type=Path), help="Write the dry run's files here."
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(
    topology: str,
    name: str | None,
    places: tuple[str, ...],
    settings: tuple[str, ...],
    dry_run: bool,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Bring up TOPOLOGY (a shipped name such as `paper`, or a YAML file) and verify it."""
    from lab.calls.turn import having_turn
    from lab.cli.progress import saying
    from lab.engine.client import connect
    from lab.engine.discovery import find_lab
    from lab.events import both
    from lab.events.journal import in_lab
    from lab.lifecycle.status import lab_status
    from lab.lifecycle.up import up

    changes = dict([*(setting(text) for text in settings), *(_place(text) for text in places)])
    if dry_run:
        _show(topology, name, changes, directory)
        return
    client = connect()
    with doing("starting") as say:
        tell = saying(say)
        done = up(client, topology, name, tell, changes)
        lab = find_lab(client, done.plan.topology.lab)
        if done.already_up:
            with having_turn(client, lab.name, both(tell, in_lab(lab.name, "up"))):
                # What links are like may have been changed since they were set up.
                status = lab_status(lab, replace(done.in_force, networks={}))
        else:
            status = lab_status(lab, done.in_force)
    if as_json:
        stages = [asdict(stage) for stage in done.stages]
        print_json({"seconds": done.seconds, "stages": stages, **status})
        return
    _print_stages(f"lab {lab.name} is up", done.stages, done.seconds)
    print_status(status)
    out.print(NEXT.format(down=f"lab down {done.plan.topology.lab}"))


def _place(text: str) -> tuple[str, str]:
    """`caller=Tokyo` as a key of the topology and its value."""
    node, equals, city = text.partition("=")
    if not (node and equals and city):
        raise UsageError(f"--place {text!r} is not NODE=CITY, such as caller=Tokyo")
    return f"nodes.{node}.place", city


def setting(text: str) -> tuple[str, Any]:
    """`relays.count=50` as a key of the topology and its value, written as in its file."""
    from lab.topology.document import read_document

    key, equals, written = text.partition("=")
    document = read_document(written)
    if not (key and equals) or document.mistakes:
        raise UsageError(f"--set {text!r} is not KEY=VALUE, such as relays.count=50")
    return key, document.value


def _show(
    topology: str, name: str | None, changes: Mapping[str, Any], directory: Path | None
) -> None:
    from lab.engine.addresses import taken_networks
    from lab.engine.client import connect
    from lab.engine.project import write_project
    from lab.lifecycle.certificate import with_certificate
    from lab.lifecycle.pbx_choice import choose_pbx
    from lab.lifecycle.plan import block_for, plan_lab, render_plan
    from lab.topology.load import find_topology, read_topology

    source = read_topology(find_topology(topology), changes)
    raw = source.raw
    taken: list[IPv4Network] = []
    pbx = None
    try:
        client = connect()
        taken, pbx = taken_networks(client), choose_pbx(client, raw.wanted_pbx, may_pull=False)
    except LabError as error:
        # Where no engine answers, what a lab must keep clear of is not known.
        log.info("%s", error.message)
    plan = plan_lab(source, name, block_for(raw, taken), pbx)
    project = render_plan(plan)
    if directory is None:
        click.echo(project.files["compose.yaml"].decode())
        for path in sorted(project.files):
            click.echo(f"# with {path} ({len(project.files[path])} bytes)")
        return
    project = with_certificate(project, plan.topology)
    write_project(project, directory, plan.owner)
    err.print(f"{len(project.files)} files in {directory}", soft_wrap=True)


def _print_stages(title: str, stages: Sequence[Stage], seconds: float) -> None:
    """Each stage with its place in time, as stages overlap; the sum of them means nothing."""
    table = Table("stage", title=title, title_justify="left", box=None)
    table.add_column("from", justify="right")
    table.add_column("to (s)", justify="right")
    table.add_column("")
    for stage in sorted(stages, key=lambda stage: stage.began_s):
        before = round(stage.began_s / seconds * BAR_WIDTH)
        bar = max(1, round(stage.ended_s / seconds * BAR_WIDTH) - before)
        table.add_row(
            stage.name, f"{stage.began_s:.1f}", f"{stage.ended_s:.1f}", " " * before + "━" * bar
        )
    table.add_row("in all", "", f"{seconds:.1f}")
    err.print(table)
