"""How large the images are: `python tests/bench/image_sizes.py`. Starts nothing.

Compared with the Debian image that all of them stand on. What an image adds to the lab's base
image is its own; that base is on the disk once, and Debian once.
"""

from __future__ import annotations

import sys

from docker import DockerClient

from lab.engine.client import connect
from lab.images.build import image_tag, missing
from lab.images.context import BASE_IMAGE, BASE_ROLE, roles

MB = 1e6


def size(client: DockerClient, tag: str) -> int:
    """All layers of an image, bytes."""
    return int(client.images.get(tag).attrs["Size"])


def main() -> None:
    """Print every image, then what all of them take on the disk together."""
    client = connect()
    if lacking := missing(client):
        sys.exit(f"run `lab setup` first; missing: {', '.join(lacking)}")
    debian, base = size(client, BASE_IMAGE), size(client, image_tag(BASE_ROLE))
    whole = {role: size(client, image_tag(role)) for role in roles()}
    own = {role: found - (debian if role == BASE_ROLE else base) for role, found in whole.items()}
    print(f"{'image':22} {'MB':>7} {'own MB':>8} {'ratio':>6}")
    print(f"{BASE_IMAGE:22} {debian / MB:7.1f} {'':8} {1:6.2f}")
    for role, found in whole.items():
        print(f"{role:22} {found / MB:7.1f} {own[role] / MB:8.1f} {found / debian:6.2f}")
    on_disk = debian + sum(own.values())
    print(f"all on the disk: {on_disk / MB:.0f} MB, {on_disk / debian:.1f} times Debian")


if __name__ == "__main__":
    main()
