"""What looks at a call from outside while the phones talk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from lab.calls.workspace import Workspace
from lab.measure.record import CallRecord

Observer = Callable[[CallRecord, Workspace], AbstractContextManager[None]]
"""Runs while the phones talk, then notes in the record and the workspace what it saw."""
