"""The parts of docs/*.md that are made from the code, and how they are found in a page.

A part stands between two comments, which a reader of the page does not see:

    <!-- made: help of lab rtp -->
    ...
    <!-- end -->
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import click
from container_privileges import privileges
from source_text import package_imports

from lab.calls.methods import METHODS
from lab.checkout import ROOT, shipped_experiments
from lab.cli import app
from lab.demo.demonstrations import DEMONSTRATIONS
from lab.faults.kinds import FAULT_KINDS
from lab.load.kinds import LOAD_KINDS
from lab.measure.opinions import OPINIONS
from lab.roles import ROLES
from lab.sweep.design import DESIGNS
from lab.sweep.dimension import Dimension
from lab.sweep.dimensions import DIMENSIONS
from lab.sweep.experiment import Experiment, load_experiment
from lab.sweep.variants import variant_of

DOCS = ROOT / "docs"
HELP_WIDTH = 78
"""Of a terminal of 80 columns or more."""
PART = re.compile(r"(<!-- made: (?P<name>[^\n]+?) -->\n)(?P<text>.*?)(<!-- end -->)", re.DOTALL)
_SENTENCE = re.compile(r".+?\.(?= [A-Z]|$)", re.DOTALL)

Make = Callable[[], str]
Row = Sequence[object]


def pages() -> list[Path]:
    """Every page of the site, the front page included."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def parts(text: str) -> dict[str, str]:
    """The made parts of a page, by name."""
    return {match["name"]: match["text"] for match in PART.finditer(text)}


def with_made_parts(text: str) -> str:
    """The page with every part made anew; KeyError for one that nothing makes."""
    return PART.sub(lambda match: match[1] + made_part(match["name"]) + match[4], text)


def made_part(name: str) -> str:
    """What stands in the part of that name: `METHOD of FILE` is what a module assigns to it."""
    if match := re.fullmatch(r"(?P<what>[A-Z_]+) of (?P<path>\S+)", name):
        return _code(match["path"], match["what"])
    return _makers()[name]()


def _code(path: str, name: str) -> str:
    """The statement of a module that assigns to a name."""
    source = (ROOT / path).read_text()
    for statement in ast.parse(source).body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=found)]) | ast.AnnAssign(target=ast.Name(id=found))
            ) if found == name:
                return f"```python\n# {path}\n{ast.get_source_segment(source, statement)}\n```\n"
    raise KeyError(f"{name} of {path}")


@cache
def _makers() -> Mapping[str, Make]:
    return {
        **{f"help of {name}": partial(_help, name, command) for name, command in commands()},
        "methods": _methods,
        "loads": _loads,
        "roles": _roles,
        "faults": _faults,
        "opinions": _opinions,
        "demonstrations": _demonstrations,
        "dimensions": _dimensions,
        "designs": _designs,
        "experiments": _experiments,
        "packages": _packages,
        "privileges": _privileges,
    }


def commands() -> Iterator[tuple[str, click.Command]]:
    """The command line itself, and every command that does something, with all its words."""
    yield "lab", app
    yield from _commands_of("lab", app)


def _commands_of(name: str, group: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for verb in group.list_commands(context):
        command = group.get_command(context, verb)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands_of(f"{name} {verb}", command)
        else:
            yield f"{name} {verb}", command


def _help(name: str, command: click.Command) -> str:
    settings: dict[str, Any] = {**app.context_settings, "terminal_width": HELP_WIDTH}
    context = click.Context(app, info_name="lab", **settings)
    if command is not app:
        context = click.Context(command, context, name.removeprefix("lab "), **settings)
    # Click keeps it as it was asked for first, perhaps by another test and without -h.
    command._help_option = None
    lines = [line.rstrip() for line in command.get_help(context).splitlines()]
    return "\n".join(["```text", *lines, "```", ""])


def table(heads: Row, rows: Iterable[Row]) -> str:
    """A table in Markdown."""
    lines = [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]
    return "\n".join(lines) + "\n"


def _row(cells: Row) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _methods() -> str:
    rows = (
        (
            f"`{each.name}`",
            each.system,
            each.description,
            ", ".join(f"`{point.name}`" for point in each.points),
            "yes" if each.both_hidden else "",
        )
        for each in METHODS
    )
    return table(("method", "in tables", "what it is", "captured at", "`--anonymous both`"), rows)


def _loads() -> str:
    return table(
        ("kind", "what it is"), ((f"`{each.name}`", each.explanation) for each in LOAD_KINDS)
    )


def _roles() -> str:
    rows = (
        (f"`{each.name}`", each.description, "yes" if each.is_guest else "")
        for each in ROLES
        if each.is_written
    )
    return table(("role", "what a node of it is", "may be `on:` another node's machine"), rows)


def _faults() -> str:
    rows = (
        (
            f"`{each.name}`",
            each.description,
            f"`{each.ended_by}`",
            "a link" if each.on_link else "a node",
        )
        for each in FAULT_KINDS
    )
    return table(("kind", "what it does", "ended by", "of"), rows)


def _opinions() -> str:
    return table(
        ("opinion", "what it is"), ((f"`{each.name}`", each.description) for each in OPINIONS)
    )


def _demonstrations() -> str:
    rows = ((f"`{each.name}`", each.title, f"`{each.topology}`") for each in DEMONSTRATIONS)
    return table(("demonstration", "what it asks", "lab"), rows)


def _dimensions() -> str:
    rows = (
        (
            f"`{each.name}`",
            each.description,
            _usual(each.usual),
            f"`--{each.name}`" if each.option else "",
            _changed(each),
            ", ".join(f"`{coordinate.name}`" for coordinate in each.coordinates),
        )
        for each in DIMENSIONS
    )
    heads = ("key", "what it varies", "left out", "`lab call`", "changes", "in a plan")
    return table(heads, rows)


def _usual(usual: object) -> str:
    match usual:
        case None:
            return "left alone"
        case str() | int():
            return f"`{usual}`"
        case {"kind": kind}:
            return f"`{{kind: {kind}}}`"
        case _:
            return "must be written"


def _changed(dimension: Dimension) -> str:
    if dimension.topology:
        return "the topology: the lab is brought up anew"
    return "the running lab, around the call" if dimension.around else "the call"


def _designs() -> str:
    rows = ((f"`{each.name}`", each.explanation) for each in DESIGNS.values())
    return table(("`design:`", "points"), rows)


def _experiments() -> str:
    heads = ("experiment", "what it asks", "topology", "points", "calls", "labs", "quick", "labs")
    return table(heads, map(_experiment, shipped_experiments().values()))


def _experiment(path: Path) -> Row:
    whole, quick = load_experiment(path), load_experiment(path, quick=True)
    first = _SENTENCE.match(whole.description)
    return (
        f"[`{path.stem}`](../topologies/experiments/{path.name})",
        first[0] if first else whole.description,
        f"`{whole.topology.stem}`",
        len(whole.points),
        _calls(whole),
        _labs(whole),
        _calls(quick),
        _labs(quick),
    )


def _calls(experiment: Experiment) -> str:
    """How many, if every call is valid; "and more" where a precision asks for more."""
    return f"{len(experiment.points) * experiment.calls}{'+' if experiment.precision_mos else ''}"


def _labs(experiment: Experiment) -> int:
    """How often the lab is brought up, at least."""
    return len({variant_of(point) for point in experiment.points})


def _privileges() -> str:
    rows = (
        (
            kind,
            each.user,
            ", ".join(f"`{name}`" for name in each.capabilities) or "none",
            ", ".join(f"`{name}`" for name in each.devices) or "none",
            ", ".join(f"`{name}`" for name in each.writes) or "nothing",
        )
        for kind, found in privileges().items()
        for each in sorted(found)
    )
    heads = ("container", "runs as", "capabilities", "devices", "writes, of the project")
    return table(heads, rows)


def _packages() -> str:
    imported = package_imports()
    rows = (
        (
            f"`lab.{name}`",
            _said_of(ROOT / "lab" / name),
            ", ".join(f"`{each}`" for each in sorted(others)),
        )
        for name, others in sorted(imported.items())
    )
    return table(("package", "what it is", "imports, of the others"), rows)


def _said_of(package: Path) -> str:
    """The first paragraph of a package's docstring; of one that has none, what is in it."""
    module = package / "__init__.py"
    if not module.exists():
        inner = sorted(path.parent.name for path in package.glob("*/__init__.py"))
        return f"The programs that run inside nodes: {', '.join(inner)}."
    words = ast.get_docstring(ast.parse(module.read_text())) or ""
    return " ".join(words.split("\n\n")[0].split())
