"""What looks at a call from outside while its ends talk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from lab.measure.call.notes import CallNotes

Observer = Callable[[CallNotes], AbstractContextManager[None]]
"""Watches while the ends talk, then writes into the call's notes what it saw."""
