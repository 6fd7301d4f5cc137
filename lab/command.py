"""The `lab` command, as the lab itself starts it in another process and reads its errors."""

from __future__ import annotations

import sys

WORDS = (sys.executable, "-c", "from lab.cli import main; main()")
"""Those that start it; a verb and its words follow."""
WRONG = "lab: "
"""How what went wrong is said; what to do stands in the lines below."""
