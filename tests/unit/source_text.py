"""What the project's own source says, read without being run: imports, and texts for a user."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Set
from functools import cache
from typing import Any

from lab.checkout import ROOT


@cache
def package_imports(above: str = "lab") -> Mapping[str, Set[str]]:
    """Package below `above` → the others there that its modules import, wherever they do.

    What is imported for types alone is not counted, nor are what a `Lazy` names and the modules
    at the top, which everybody may import.
    """
    directory = ROOT.joinpath(*above.split("."))
    packages = {path.name for path in directory.iterdir() if any(path.rglob("*.py"))}
    found: dict[str, set[str]] = {}
    for name in packages:
        modules = (directory / name).rglob("*.py")
        names = (each for path in modules for each in _imported(ast.parse(path.read_text()), above))
        found[name] = {each for each in names if each != name} & packages
    return found


def _imported(node: ast.AST, above: str) -> Iterator[str]:
    """What of `above` is imported below `node`, each by the word that comes next."""
    inside = f"{above}."
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
        case ast.ImportFrom(module=str(module), names=names) if module == above:
            yield from (each.name for each in names)
        case ast.ImportFrom(module=str(module)) if module.startswith(inside):
            yield module.removeprefix(inside).split(".")[0]
        case ast.Import(names=names):
            modules = (each.name for each in names if each.name.startswith(inside))
            yield from (module.removeprefix(inside).split(".")[0] for module in modules)
    for child in ast.iter_child_nodes(node):
        yield from _imported(child, above)


def sentences_in(function: ast.AST) -> Iterator[str]:
    """The texts of three words and more in a function, `…` for what is put into them.

    Its docstring is none of them.
    """
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(function)
        if isinstance(node, ast.FunctionDef) and isinstance(node.body[0], ast.Expr)
    }
    for text in _texts(function, docstrings):
        if len(re.findall(r"[a-z']{2,}", text)) >= 3:
            yield " ".join(text.split())


def _texts(node: ast.AST, without: set[int]) -> Iterator[str]:
    match node:
        case ast.JoinedStr(values=values):
            yield "".join(_put_in(value) for value in values)
            return
        case ast.Constant(value=str(text)) if id(node) not in without:
            yield text
    for child in ast.iter_child_nodes(node):
        yield from _texts(child, without)


def _put_in(value: Any) -> str:
    return str(value.value) if isinstance(value, ast.Constant) else "…"
