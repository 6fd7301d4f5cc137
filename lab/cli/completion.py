"""What the shell offers after Tab: labs and nodes that are up, what is shipped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from lab.checkout import TOPOLOGIES
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.engine.discovery import RunningLab


def lab_names(_ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem]:
    """The labs that are up."""
    return _items(((lab.name, f"topology {lab.topology}") for lab in _running()), typed)


def node_names(ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem]:
    """The nodes of the lab given by --name, or of all that are up."""
    wanted = ctx.params.get("name")
    nodes = {
        node.name: node.role
        for lab in _running()
        if wanted in {None, lab.name}
        for node in lab.nodes
    }
    return _items(nodes.items(), typed)


def capture_points(ctx: click.Context, param: click.Parameter, typed: str) -> list[CompletionItem]:
    """The measuring points of calls, and the nodes."""
    from lab.calls.methods import every_measuring_point

    points = _items(((point.name, point.where) for point in every_measuring_point()), typed)
    return [*points, *node_names(ctx, param, typed)]


def topologies(_ctx: click.Context, _param: click.Parameter, typed: str) -> list[CompletionItem]:
    """The shipped topologies, and files."""
    shipped = _items(((path.stem, "") for path in sorted(TOPOLOGIES.glob("[!.]*.yaml"))), typed)
    return [*shipped, CompletionItem(typed, type="file")]


def demonstrations(
    _ctx: click.Context, _param: click.Parameter, typed: str
) -> list[CompletionItem]:
    """The demonstrations; none is loaded for that."""
    from lab.demo.demonstrations import names

    return _items(((name, "") for name in names()), typed)


def _running() -> tuple[RunningLab, ...]:
    from lab.engine.client import connect
    from lab.engine.discovery import find_labs

    try:
        return find_labs(connect())
    except LabError:
        return ()


def _items(offers: Iterable[tuple[str, str]], typed: str) -> list[CompletionItem]:
    return [CompletionItem(name, help=about) for name, about in offers if name.startswith(typed)]
