"""The modules of `lab` that an image holds: its programs, and what these import, no more.

A program is named in `images/<role>/programs.txt`, one a line, by its module below `lab.agents`:
`tor.relay`. What it imports is read from the source, so a module that is not needed in an image
cannot rename it, and one that is needed cannot be missing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lab.errors import LabError

PACKAGE = "lab"


def named_programs(listing: Path) -> tuple[str, ...]:
    """The programs in a `programs.txt`; comments begin with `#`."""
    lines = (line.partition("#")[0].strip() for line in listing.read_text("utf-8").splitlines())
    return tuple(line for line in lines if line)


def files_of(programs: tuple[str, ...], root: Path) -> dict[str, Path]:
    """Path below `root` → file, of all that the programs import from `lab` there, in order.

    LabError where there is no such program.
    """
    found: dict[str, Path] = {}
    for program in programs:
        module = f"{PACKAGE}.agents.{program}"
        if not _files(module, root):
            raise LabError(f"there is no program {program!r}: no module {module}")
        _gather(module, root, found)
    return dict(sorted(found.items()))


def _gather(module: str, root: Path, found: dict[str, Path]) -> None:
    for path in _files(module, root):
        name = str(path.relative_to(root))
        if name not in found:
            found[name] = path
            for imported in imports_of(path.read_text("utf-8")):
                if imported.partition(".")[0] == PACKAGE:
                    _gather(imported, root, found)


def _files(module: str, root: Path) -> list[Path]:
    """The file of a module, and the `__init__.py` of each package around it; [] for none."""
    parts = module.split(".")
    own = root.joinpath(*parts)
    file = own / "__init__.py" if own.is_dir() else own.with_suffix(".py")
    if not file.is_file():
        return []
    around = (root.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts)))
    return [*(path for path in around if path.is_file()), file]


@cache
def imports_of(source: str) -> tuple[str, ...]:
    """All modules that a module's source may import, wherever in it; names of a module among them.

    ValueError for a relative import: which package is meant cannot be told from the source.
    """
    return tuple(dict.fromkeys(_imports(ast.parse(source))))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"line {node.lineno} imports relatively")
            yield node.module
            # A name of a package may be a module of it.
            yield from (f"{node.module}.{name.name}" for name in node.names)
