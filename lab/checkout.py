"""Where the checkout lies: what comes with it, and what is made from it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOPOLOGIES = ROOT / "topologies"
"""The topologies that come with the lab."""
EXPERIMENTS = TOPOLOGIES / "experiments"
"""The experiments that come with the lab."""
IMAGES = ROOT / "images"
"""One directory per image role, each with a Dockerfile."""
CACHE = ROOT / ".cache"
"""Downloads that can be made again: wheels for the images."""
TOOLS = ROOT / ".tools"
"""Programs this project fetched for itself: Compose v2."""


def shipped_experiments() -> dict[str, Path]:
    """Name → file of every experiment that comes with the lab, by their names."""
    return {path.stem: path for path in sorted(EXPERIMENTS.glob("[!.]*.yaml"))}
