"""`lab status`: nodes, addresses, link rates, the Tor network and Murmur of a lab."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from lab.cli.completion import lab_names
from lab.cli.output import err, out, print_json, styled
from lab.wire.shape import OPEN_WAY


@click.command()
@click.argument("name", required=False, shell_complete=lab_names)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(name: str | None, as_json: bool) -> None:
    """Show the lab called NAME (default: every lab that is up)."""
    from lab.engine.client import connect
    from lab.engine.discovery import find_lab, find_labs
    from lab.lifecycle.status import lab_status

    client = connect()
    labs = [find_lab(client, name)] if name else list(find_labs(client))
    states = [lab_status(client, lab) for lab in labs]
    if as_json:
        print_json(states[0] if name else states)
        return
    if not states:
        err.print("No lab is up. Bring one up with `lab up`.")
    for state in states:
        print_status(state)


def print_status(state: dict[str, Any]) -> None:
    """Print one lab's state as a table, with what programs told and its problems below."""
    out.print(nodes_table(state))
    for line in told(state):
        out.print(line)
    for problem in state["problems"]:
        out.print(Text.assemble(("problem:", "red"), f" {problem}"))


def nodes_table(state: dict[str, Any]) -> Table:
    """A row for every link of every node, and one for a node without links of its own."""
    table = Table(
        title=f"lab {state['lab']} (topology {state['topology']}, PBX {state['pbx']})",
        title_justify="left",
        box=None,
        header_style="bold",
    )
    stand = any(node["place"] for node in state["nodes"])
    late = any(_way(link) for node in state["nodes"] for link in node["links"])
    columns = ("node", "role", *(["place"] if stand else []), "state", "network", "address")
    for column in (*columns, "rate", "in force", *(["way in force"] if late else [])):
        table.add_column(column)
    for node in state["nodes"]:
        links = node["links"] or [{}]
        for position, link in enumerate(links):
            first = position == 0
            table.add_row(
                node["node"] if first else "",
                node["role"] if first else "",
                *([node["place"] if first else ""] if stand else []),
                _state(node["state"]) if first else "",
                link.get("network", "(shared)"),
                link.get("address", ""),
                _rate(link.get("rate_configured_kbps")) if link else "",
                _rate(link.get("rate_in_force_kbps")) if link else "",
                *([_way(link)] if late else []),
            )
    return table


def _state(state: str) -> Text:
    return styled(state, "green" if state == "running" else "red")


def _way(link: dict[str, Any]) -> Text | str:
    """What lies behind the cap, where anything does or should."""
    wanted, found = link.get("way_configured", OPEN_WAY), link.get("way_in_force", OPEN_WAY)
    if found is None:
        return styled(f"unknown (configured: {wanted})", "red") if wanted != OPEN_WAY else ""
    if found != wanted:
        return styled(f"{found} (configured: {wanted})", "yellow")
    return "" if found == OPEN_WAY else str(found)


def _rate(rate_kbps: int | None) -> str:
    return "uncapped" if rate_kbps is None else f"{rate_kbps / 1000:g} Mbit/s"


def told(state: dict[str, Any]) -> Iterator[Text]:
    """What programs in nodes told, a line each."""
    from lab.lifecycle.status import reports

    for _, report in reports():
        for node, answer in state[report.section].items():
            said = styled(report.unanswered, "red")
            if answer is not None:
                said = Text(report.sentence(answer))
            yield Text.assemble(f"{report.title} at {node}: ", said)
