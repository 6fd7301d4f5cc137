"""A well-formed topology that is being checked, perhaps with parts left out of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from lab.topology.mistakes import Mistake, Path, did_you_mean, quoted

if TYPE_CHECKING:
    from lab.topology.raw import RawTopology


@dataclass(frozen=True, slots=True)
class Draft:
    """What the checks look at: they report what is wrong, not what follows from a gap."""

    raw: RawTopology
    spoilt: Collection[Path] = ()
    """The places whose values were unusable and left out of `raw`."""
    subnets: dict[str, IPv4Network] = field(init=False)
    """The subnets the user fixed, by network."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "subnets", self.raw.fixed_subnets)

    def is_certain(self, *path: str) -> bool:
        """Whether neither this place nor one around it was left out; `*` is any key."""
        return not any(
            len(left_out) <= len(path)
            and all(key in ("*", left) for key, left in zip(path, left_out, strict=False))
            for left_out in self.spoilt
        )

    def with_role(self, role: str) -> list[str]:
        """The names of the nodes of that role."""
        return [name for name, node in self.raw.nodes.items() if node.role == role]

    def unknown_network(self, name: str) -> str | None:
        """What to say where `name` should be a network; None where it is one."""
        return self._unknown("network", name, self.raw.networks)

    def unknown_node(self, name: str) -> str | None:
        """What to say where `name` should be a node; None where it is one."""
        return self._unknown("node", name, self.raw.nodes)

    def unknown_host(self, name: str) -> str | None:
        """What to say where `name` should be a host; None where it is one."""
        return self._unknown("host", name, self.raw.hosts)

    def _unknown(self, kind: str, name: str, known: Iterable[str]) -> str | None:
        if name in known or not self.is_certain(f"{kind}s", name):
            return None
        if kind == "node" and not self._knows_relays():
            return None
        return f"there is no {kind} {quoted(name)}{did_you_mean(name, known)}"

    def _knows_relays(self) -> bool:
        """Whether it is known what the relays by the number are called."""
        return self.is_certain("relays", "count") and self.is_certain("relays", "places", "*")


def repeated(path: Path, values: Iterable[str]) -> Iterator[Mistake]:
    """A mistake for every item of the list at `path` that stands there again."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value and value in seen:
            yield Mistake((*path, index), f"{quoted(value)} stands here twice")
        seen.add(value)
