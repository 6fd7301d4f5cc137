"""Where the second study's sample lies, which is test data and no part of the project."""

from __future__ import annotations

import os
from pathlib import Path

FIELD = Path(
    os.environ.get("LAB_FIELD_DATA", Path(__file__).parents[2].parent / "shared" / "field")
)
PRESENT = (FIELD / "authors.csv").exists()
MISSING = f"the study's sample is not in {FIELD}; LAB_FIELD_DATA names another place"
