"""A topology with other values of some of its keys, as text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from hashlib import sha256
from typing import Any

import yaml

from lab.topology.document import read_document

_PLAIN = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./:%-]*", re.ASCII)


def value_text(value: Any) -> str:
    """A value as it could stand in a topology file, on one line; `value_from` reads it again.

    Different values are different texts, and no value has two.
    """
    if isinstance(value, dict):
        items = [f"{value_text(key)}: {value_text(item)}" for key, item in value.items()]
        return f"{{{','.join(items)}}}"
    if isinstance(value, list):
        return f"[{','.join(value_text(item) for item in value)}]"
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value_from(value) == value
        return value if plain else json.dumps(value)
    return json.dumps(value)


def value_from(text: str) -> Any:
    """The value that `value_text` wrote."""
    return read_document(text).value


@lru_cache(maxsize=8)
def values_of(topology: str) -> Any:
    """What a topology's YAML says, to be looked at only: a sweep asks for one text often."""
    return read_document(topology).value


def varied(topology: str, changes: Mapping[str, Any]) -> str:
    """The YAML of a topology in which dotted keys (`vpn.cipher`) have other values."""
    if not changes:
        return topology
    document = deepcopy(values_of(topology))
    for key, value in changes.items():
        *parents, last = key.split(".")
        place = document
        for name in parents:
            place[name] = place.get(name) or {}
            place = place[name]
        place[last] = value
    return yaml.safe_dump(document, sort_keys=False)


def variant_file(changes: Mapping[str, Any]) -> str:
    """What the file of a topology with these changes is called: another one for others."""
    if not changes:
        return "topology.yaml"
    return f"topology-{sha256(value_text(dict(changes)).encode()).hexdigest()[:12]}.yaml"
