"""What pins every package: the locks of the host's packages, and those of the images."""

from __future__ import annotations

from lab import checkout
from lab.bundles.archive import Entry
from lab.bundles.layout import LOCKS

_OF_IMAGES = ("Dockerfile", "programs.txt", "wheels.txt")


def locks() -> list[Entry]:
    """The locks of the version that packs; none where it runs without its checkout."""
    found = sorted(checkout.ROOT.glob("requirements*.lock"))
    entries = [Entry(f"{LOCKS}/{path.name}", path) for path in found]
    for image in sorted(path for path in checkout.IMAGES.glob("*") if path.is_dir()):
        entries += [
            Entry(f"{LOCKS}/images/{image.name}/{name}", image / name)
            for name in _OF_IMAGES
            if (image / name).is_file()
        ]
    return entries
