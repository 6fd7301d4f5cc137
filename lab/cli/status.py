"""`lab status`: nodes, addresses, link rates, the Tor network and Murmur of a lab."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from lab.cli.completion import lab_names
from lab.cli.output import err, out, print_json, styled
from lab.wire.shape import OPEN_WAY


@click.command()
@click.argument("name", required=False, shell_complete=lab_names)
@click.option("--all", "every", is_flag=True, help="Ask and show each of many nodes.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON, always with every node.")
def command(name: str | None, every: bool, as_json: bool) -> None:
    """Show the lab called NAME (default: every lab of yours that is up)."""
    from lab.engine.client import connect
    from lab.engine.discovery import find_lab, find_labs
    from lab.engine.owners import is_mine, user_named
    from lab.lifecycle.status import lab_status

    client = connect()
    found = [find_lab(client, name)] if name else list(find_labs(client))
    labs = [lab for lab in found if name or is_mine(lab.owner)]
    states = [lab_status(lab, every=every or as_json) for lab in labs]
    if as_json:
        print_json(states[0] if name else states)
        return
    if not states:
        err.print("No lab of yours is up. Bring one up with `lab up`.")
    for state in states:
        print_status(state, every)
    for lab in found:
        if lab not in labs:
            err.print(f"Lab {lab.name} of {user_named(lab.owner)} is up.", soft_wrap=True)


def print_status(state: dict[str, Any], every: bool = False) -> None:
    """Print one lab's state as a table, with what programs told and its problems below.

    Of a role with many nodes, those that are alike share a row and a line, unless `every`.
    """
    out.print(nodes_table(state, every))
    for line in told(state, every):
        out.print(line)
    for problem in state["problems"]:
        out.print(Text.assemble(("problem:", "red"), f" {problem}"))


def nodes_table(state: dict[str, Any], every: bool = True) -> Table:
    """A row for every link of every node, and one for a node without links of its own.

    Unless `every`, those of a role with many nodes that are as they should be, and alike, share
    their rows.
    """
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
    for nodes in _alike(state["nodes"], every):
        node = nodes[0]
        places = list(dict.fromkeys(each["place"] for each in nodes if each["place"])) or [""]
        for position, link in enumerate(node["links"] or [{}]):
            first = position == 0
            addresses = [each["links"][position]["address"] for each in nodes] if link else [""]
            table.add_row(
                _and_more([each["node"] for each in nodes]) if first else "",
                node["role"] if first else "",
                *([_and_more(places) if first else ""] if stand else []),
                _state(node["state"]) if first else "",
                link.get("network", "(shared)"),
                _and_more(addresses),
                _rate(link.get("rate_configured_kbps")) if link else "",
                _rate(link.get("rate_in_force_kbps")) if link else "",
                *([_ways([each["links"][position] for each in nodes])] if late and link else []),
            )
    return table


def _and_more(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def _alike(nodes: Sequence[dict[str, Any]], every: bool) -> Iterable[list[dict[str, Any]]]:
    """The nodes, in their order; of a role with many, those that are alike together."""
    from lab.lifecycle.status import MOST_APART

    of_role = Counter(node["role"] for node in nodes)
    groups: dict[Hashable, list[dict[str, Any]]] = {}
    for node in nodes:
        apart = every or of_role[node["role"]] <= MOST_APART
        groups.setdefault(node["node"] if apart else _likeness(node), []).append(node)
    return groups.values()


def _likeness(node: dict[str, Any]) -> Hashable:
    """What nodes are alike in; what is not as it should be is its own."""
    links = node["links"]
    if any(
        link["rate_in_force_kbps"] != link["rate_configured_kbps"]
        or link.get("way_in_force", OPEN_WAY) != link.get("way_configured", OPEN_WAY)
        for link in links
    ):
        return str(node["node"])
    shapes = ((link["network"], link["rate_configured_kbps"], bool(_way(link))) for link in links)
    return node["role"], node["state"], *shapes


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


def _ways(links: Sequence[dict[str, Any]]) -> Text | str:
    """What lies behind the caps of links that are alike."""
    ways = [_way(link) for link in links]
    return ways[0] if len({str(way) for way in ways}) == 1 else "each as configured"


def _rate(rate_kbps: int | None) -> str:
    return "uncapped" if rate_kbps is None else f"{rate_kbps / 1000:g} Mbit/s"


def told(state: dict[str, Any], every: bool = True) -> Iterator[Text]:
    """What programs in nodes told, a line each; unless `every`, one of what many told alike."""
    from lab.lifecycle.status import MOST_APART, reports

    for role, report in reports():
        answers = state[report.section]
        if answers is None:
            count = sum(node["role"] == role.name for node in state["nodes"])
            yield Text(f"{report.title}: {count} nodes, none asked (`lab status --all` asks)")
            continue
        apart = every or len(answers) <= MOST_APART
        tellers: dict[tuple[str, str], list[str]] = {}
        lines: dict[tuple[str, str], Text] = {}
        for node, answer in answers.items():
            said = styled(report.unanswered, "red")
            if answer is not None:
                said = Text(report.sentence(answer))
            key = (said.plain, node if apart else "")
            tellers.setdefault(key, []).append(node)
            lines[key] = said
        for key, nodes in tellers.items():
            yield Text.assemble(f"{report.title} at {_and_more(nodes)}: ", lines[key])
