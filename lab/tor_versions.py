"""The versions of Tor that a lab can run, each a series of Debian's packages.

To add one is to add a line. All but the default one are images of their own, made of the image
with the default by `images/other-tor`, and built when a topology first needs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TorVersion:
    """One version, by the name that topologies use."""

    name: str
    series: str
    """What its own number begins with, as `0.4.5` of 0.4.5.16."""
    suites: tuple[str, ...] = ()
    """The suites of Debian that have it; none for the one of the images' own Debian."""

    @property
    def number(self) -> tuple[int, ...]:
        """Of the series, for comparisons: (0, 4, 5)."""
        return tuple(int(part) for part in self.series.split("."))


DEFAULT = "0.4.9"
_ALL = (
    # Before congestion control and Conflux.
    TorVersion("0.4.5", "0.4.5", ("bullseye", "bullseye-security")),
    # The second study's.
    TorVersion("0.4.8", "0.4.8", ("bookworm", "bookworm-backports")),
    TorVersion(DEFAULT, "0.4.9"),
    TorVersion("0.4.9-trixie", "0.4.9", ("trixie", "trixie-security")),
)
TOR_VERSIONS: Mapping[str, TorVersion] = {version.name: version for version in _ALL}
_IMAGE = "tor"


def image_with(image: str, version: str) -> str:
    """What the image is called that is `image` with another version of Tor."""
    if version == DEFAULT:
        return image
    return f"{image}-{version}" if image == _IMAGE else f"{image}-{_IMAGE}-{version}"


def plain_image(name: str) -> tuple[str, TorVersion] | None:
    """The image that `name` is with another Tor, and that; None where it is none of these."""
    for version in TOR_VERSIONS.values():
        for end in (f"-{_IMAGE}-{version.name}", f"-{version.name}"):
            image = name.removesuffix(end)
            if image != name and image_with(image, version.name) == name:
                return image, version
    return None
