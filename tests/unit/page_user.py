"""Somebody who looks at pages without a browser."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import ModuleType

from nicegui.testing import User
from nicegui.testing.user_simulation import user_simulation


@asynccontextmanager
async def page_user(root: Callable[[], object] | None = None) -> AsyncIterator[User]:
    """NiceGUI's simulated user; the modules of the lab are those they were afterwards.

    NiceGUI forgets the modules of pages, and all packages above them, so that other tests would
    import the lab a second time.
    """
    known: dict[str, ModuleType] = {}
    try:
        async with user_simulation(root) as user:
            try:
                yield user
            finally:
                known.update(sys.modules)
    finally:
        for name, module in known.items():
            sys.modules.setdefault(name, module)
