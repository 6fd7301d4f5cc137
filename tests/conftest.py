"""What every test has: the rule about skips, and the labs of live tests."""

from __future__ import annotations

pytest_plugins = ["honest_skips", "live_lab", "second_engine"]
