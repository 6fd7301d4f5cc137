"""Tests of a lab that spans hosts run only where a second engine is named; elsewhere not at all.

    LAB_SECOND_ENGINE=ssh://you@b,10.9.0.1,10.9.0.2 pytest tests/live/test_spanning.py

are its address, this host's own address, and that of the second engine's host.
"""

from __future__ import annotations

import os

import pytest

VARIABLE = "LAB_SECOND_ENGINE"


def pytest_configure(config: pytest.Config) -> None:
    """Tell of the mark."""
    told = f"needs_second_engine: runs only where {VARIABLE} names one"
    config.addinivalue_line("markers", told)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs another engine, where none is named."""
    if os.environ.get(VARIABLE):
        return
    out = [item for item in items if item.get_closest_marker("needs_second_engine")]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]
