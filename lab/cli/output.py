"""How verbs print: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

err = Console(stderr=True, highlight=False)
"""For progress and remarks."""

out = Console(highlight=False, width=None if sys.stdout.isatty() else 240)
"""For tables meant for people; in a file or a pipe their lines may be long."""


def print_json(value: Any) -> None:
    """Write `value` as indented JSON to stdout; non-finite numbers are refused."""
    json.dump(value, sys.stdout, indent=2, allow_nan=False, default=str)
    sys.stdout.write("\n")
