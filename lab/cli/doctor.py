"""`lab doctor`: what this host has and lacks."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from lab.cli.output import out, print_json, styled

if TYPE_CHECKING:
    from lab.engine.doctor import Finding

_STYLES = {"ok": "green", "note": "yellow", "missing": "red", "unknown": "dim"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Tell what this host has and lacks; paste it into a bug report.

    The exit status is 1 where something is missing that the lab cannot run without.
    """
    from lab.engine.doctor import State, examine

    findings = examine()
    usable = all(finding.state is not State.MISSING for finding in findings)
    if as_json:
        print_json({"usable": usable, "findings": [asdict(finding) for finding in findings]})
    else:
        out.print(_table(findings))
    ctx.exit(0 if usable else 1)


def _table(findings: tuple[Finding, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("what", "state", "found"):
        table.add_column(heading)
    for finding in findings:
        text = Text(finding.detail)
        if finding.hint:
            text.append(f"\n{finding.hint}", style="dim")
        table.add_row(finding.name, styled(finding.state, _STYLES[finding.state]), text)
    return table
