"""What looks at a call from outside while its ends talk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from lab.measure.call.notes import CallNotes

Begins = Callable[[float], None]
"""Is told when the voice of both ends has begun, Unix seconds."""

Observer = Callable[[CallNotes], AbstractContextManager[Begins | None]]
"""Watches while the ends talk, then writes into the call's notes what it saw.

What it yields, if anything, is told of the beginning of the voice.
"""
