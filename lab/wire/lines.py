"""The language of every agent: one JSON object per line, orders in, answers and events out."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

_lock = threading.Lock()


def say(answer: dict[str, Any]) -> None:
    """Write one answer or event to standard output; safe from several threads."""
    with _lock:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def hear() -> dict[str, Any] | None:
    """The next order from standard input; None when the input has ended."""
    line = sys.stdin.readline()
    order: dict[str, Any] | None = json.loads(line) if line else None
    return order
