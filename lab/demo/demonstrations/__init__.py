"""Every demonstration: one module each, with its `DEMONSTRATION`, whose name is the module's."""

from __future__ import annotations

from pkgutil import iter_modules

from lab.demo.demonstration import Demonstration
from lab.registry import Registry

DEMONSTRATIONS: Registry[Demonstration] = Registry(
    __name__, "DEMONSTRATION", "demonstration", lambda demonstration: demonstration.position
)


def names() -> list[str]:
    """What there are, by name; none of them is imported for that."""
    return sorted(module.name.replace("_", "-") for module in iter_modules(__path__))
