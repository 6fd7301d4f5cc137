"""The templates of `compose/`: jinja2, where a value that is missing is an error."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from lab.checkout import ROOT

TEMPLATES = ROOT / "compose"


def rendered(template: str, **values: Any) -> str:
    """The template of that name below `compose/`; statements leave no lines behind."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    """Compiles each template once, which takes longer than to render it."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=select_autoescape(["xml.j2"]),
    )
