"""A topology file → the checked `RawTopology`, or all of its mistakes at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel

from lab.checkout import TOPOLOGIES
from lab.errors import LabError, UsageError
from lab.topology.check import check
from lab.topology.draft import Draft
from lab.topology.many import as_written, check_relays, left_out_with, with_relays
from lab.topology.mistakes import Mistake, Path, TopologyError, did_you_mean, quoted
from lab.topology.raw import (
    RawDistance,
    RawDistances,
    RawHost,
    RawLink,
    RawNetwork,
    RawNode,
    RawQueue,
    RawRelays,
    RawShape,
    RawSpread,
    RawTopology,
    RawTor,
    RawVpn,
)
from lab.topology.validation import Checked, Grammar, check_text, read_content
from lab.topology.variant import values_of, varied

_HINT = "`lab schema` prints a JSON Schema with which an editor explains every key."


_LINK = ("nodes", "*", "links", "*")
_LINK_OF_RELAYS = ("relays", "links", "*")
_MODELS: tuple[tuple[Path, type[BaseModel]], ...] = (
    (("networks", "*"), RawNetwork),
    (("nodes", "*"), RawNode),
    (_LINK, RawLink),
    ((*_LINK, "queue"), RawQueue),
    ((*_LINK, "in"), RawShape),
    ((*_LINK, "in", "queue"), RawQueue),
    (("relays",), RawRelays),
    (("relays", "bandwidth"), RawSpread),
    (_LINK_OF_RELAYS, RawLink),
    ((*_LINK_OF_RELAYS, "queue"), RawQueue),
    ((*_LINK_OF_RELAYS, "in"), RawShape),
    ((*_LINK_OF_RELAYS, "in", "queue"), RawQueue),
    (("hosts", "*"), RawHost),
    (("vpn",), RawVpn),
    (("tor",), RawTor),
    (("distances",), RawDistances),
    (("distances", "pairs", "*"), RawDistance),
)
"""Which model describes the mapping at a place; `*` is any key."""


def find_topology(name_or_path: str) -> FilePath:
    """The file of a shipped topology (`paper`) or of the user's own (`./mine.yaml`).

    Raises LabError where there is no such file; it names the shipped ones.
    """
    if not re.search(r"[/\\]|\.ya?ml$", name_or_path):
        shipped = {path.stem: path for path in sorted(TOPOLOGIES.glob("[!.]*.yaml"))}
        if name_or_path in shipped:
            return shipped[name_or_path]
        raise LabError(
            f"there is no topology {quoted(name_or_path)}{did_you_mean(name_or_path, shipped)}",
            f"Shipped: {', '.join(shipped)}. Write your own as a path, such as ./mine.yaml.",
        )
    path = FilePath(name_or_path)
    try:
        found = path.is_file()
    except (OSError, ValueError):
        found = False
    if not found:
        raise LabError(f"there is no topology file {quoted(name_or_path)}", "Check the path.")
    return path


def load_topology(path: FilePath) -> RawTopology:
    """Read and check a topology file; TopologyError lists all that is wrong with it."""
    source = ascii(str(path))[1:-1]
    content = read_content(path)
    if isinstance(content, Mistake):
        raise TopologyError(source, [content])
    return parse_topology(content, source)


@dataclass(frozen=True, slots=True)
class Source:
    """A checked topology with the text that says so."""

    raw: RawTopology
    text: str
    """Its YAML."""


def read_topology(path: FilePath, changes: Mapping[str, Any] | None = None) -> Source:
    """Read and check a topology file in which dotted keys have other values.

    TopologyError lists all that is wrong with the file, UsageError with the changes.
    """
    raw = load_topology(path)
    text = path.read_text(encoding="utf-8-sig")
    if not changes:
        return Source(raw, text)
    if found := mistakes_in(text, changes):
        told = dict.fromkeys(f"{mistake.place}: {mistake.message}" for mistake in found)
        raise UsageError(f"topology {raw.name} cannot be changed so: {'; '.join(told)}")
    text = varied(text, changes)
    return Source(parse_topology(text), text)


def parse_topology(content: bytes | str, source: str = "<text>") -> RawTopology:
    """Check a topology given as YAML text (UTF-8 if bytes); `source` names it in messages."""
    checked = check_text(content, _GRAMMAR)
    if checked.value is not None:
        checked.value = _expanded(checked.value, checked)
    if checked.mistakes or checked.value is None:
        raise TopologyError(source, checked.in_order(), _HINT)
    return checked.value


def _expanded(written: RawTopology, checked: Checked[RawTopology]) -> RawTopology:
    """The topology with all its nodes; adds the mistakes in it to `checked`."""
    whole = with_relays(written)
    made = whole.nodes.keys() - written.nodes.keys()
    spoilt = checked.spoilt | left_out_with(made, checked.spoilt)
    checked.mistakes += check_relays(Draft(written, checked.spoilt))
    checked.mistakes += as_written(check(Draft(whole, spoilt)), made)
    return whole


def mistakes_in(topology: str, changes: Mapping[str, Any]) -> list[Mistake]:
    """What is wrong with a topology without mistakes, as YAML, when dotted keys of it change.

    A key may be one that it does not write, but no item of what its user names: no other node.
    """
    unknown = [*_unknown_items(values_of(topology), changes)]
    return unknown or [*_mistakes_of(varied(topology, changes))]


@lru_cache(maxsize=256)
def _mistakes_of(topology: str) -> Sequence[Mistake]:
    """An experiment asks of one variant again: of a value, and of each point that has it."""
    try:
        parse_topology(topology)
    except TopologyError as error:
        return tuple(error.mistakes)
    return ()


def _unknown_items(document: Any, keys: Iterable[str]) -> Iterator[Mistake]:
    for key in keys:
        path: Path = tuple(key.split("."))
        place = document
        for depth, name in enumerate(path, 1):
            place = place or {}
            if not isinstance(place, dict):
                yield Mistake(path[:depth], "holds no keys")
                break
            named = any(_fits(path[:depth], known) for known, _ in _MODELS if known[-1] == "*")
            if named and name not in place:
                what = f"there is no {quoted(name)} among the {path[depth - 2]}"
                yield Mistake(path, f"{what}{did_you_mean(str(name), place)}")
                break
            place = place.get(name)


def _model_at(path: Path) -> type[BaseModel]:
    """Which model describes the mapping at `path`."""
    return next((model for place, model in _MODELS if _fits(path, place)), RawTopology)


def _fits(path: Path, place: Path) -> bool:
    return len(path) == len(place) and all(
        wanted in ("*", key) for key, wanted in zip(path, place, strict=True)
    )


def _keys_at(path: Path) -> list[str]:
    return [field.alias or name for name, field in _model_at(path).model_fields.items()]


_GRAMMAR = Grammar(RawTopology, _keys_at, {"name": "unnamed", "networks": {}, "nodes": {}})
