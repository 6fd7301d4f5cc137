"""What commands that work in a lab have in common: the option that says in which one."""

from __future__ import annotations

from typing import Any

from lab.cli.completion import lab_names

LAB_OPTION: dict[str, Any] = {
    "shell_complete": lab_names,
    "help": "The lab; default: your only one.",
}
"""Of click's `--name`, but for what the parameter is called."""
