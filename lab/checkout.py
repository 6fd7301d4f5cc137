"""Where the checkout lies: images and tools are made from it and kept beside it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "images"
"""One directory per image role, each with a Dockerfile."""
CACHE = ROOT / ".cache"
"""Downloads that can be made again: wheels for the images."""
TOOLS = ROOT / ".tools"
"""Programs this project fetched for itself: Compose v2."""
