"""The templates of `compose/`: jinja2, where a value that is missing is an error."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lab.checkout import ROOT

TEMPLATES = ROOT / "compose"


def rendered(template: str, **values: Any) -> str:
    """The template of that name below `compose/`; statements leave no lines behind."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=template.endswith(".xml.j2"),
    )
    return environment.get_template(template).render(**values)
