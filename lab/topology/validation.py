"""A YAML file → a checked pydantic model, or all of its mistakes at once.

What topologies and experiments have in common; what their keys mean is told by the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lab.topology.document import MAX_CHARACTERS, Document, read_document
from lab.topology.mistakes import Mistake, Path, closest, did_you_mean, quoted

Model = TypeVar("Model", bound=BaseModel)

_EXPECTED = {
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
}


@dataclass(frozen=True, slots=True)
class Grammar(Generic[Model]):
    """Which model a kind of file is checked by."""

    model: type[Model]
    keys_at: Callable[[Path], list[str]]
    """The keys that may stand in the mapping at a path, as a user writes them."""
    stand_ins: Mapping[str | int, Any]
    """For required keys that are unusable, so that the rest of the file can be checked."""


@dataclass(slots=True)
class Checked(Generic[Model]):
    """What a file says, as far as it can be used."""

    document: Document
    value: Model | None
    """None where nothing can be made of it."""
    spoilt: set[Path] = field(default_factory=set)
    """Where something had to be left out."""
    mistakes: list[Mistake] = field(default_factory=list)

    def in_order(self) -> list[Mistake]:
        """The mistakes with their positions, each once, from top to bottom of the file."""
        placed: dict[Mistake, None] = {}
        for mistake in self.mistakes:
            line, column = self.document.position(mistake.path)
            here = replace(mistake, line=line, column=column) if mistake.line is None else mistake
            placed[here] = None
        return sorted(placed, key=lambda mistake: (mistake.line or 0, mistake.column or 0))


def read_content(path: FilePath) -> bytes | Mistake:
    """The bytes of a file, at most some more than may be in it; or why it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(4 * MAX_CHARACTERS + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Mistake((), f"cannot be read: {reason}")


def check_text(content: bytes | str, grammar: Grammar[Model]) -> Checked[Model]:
    """Read YAML (UTF-8 if bytes) and check every key and value by the grammar's model."""
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        column = error.start - error.object.rfind(b"\n", 0, error.start)
        mistake = Mistake((), "is not UTF-8 text", line, column)
        return Checked(Document(), None, mistakes=[mistake])
    document = read_document(text)
    checked: Checked[Model] = Checked(document, None, mistakes=list(document.mistakes))
    if document.value is not None:
        _validate(checked, grammar)
    elif not checked.mistakes:
        checked.mistakes.append(Mistake((), "is empty"))
    return checked


def _validate(checked: Checked[Model], grammar: Grammar[Model]) -> None:
    """Find the value without its unusable parts, where those were, and what was wrong there.

    An unusable value is left out and the rest looked at again, so that one mistake does
    not hide the others.
    """
    data, spoilt = checked.document.value, checked.spoilt
    while True:
        try:
            checked.value = grammar.model.model_validate(data)
            return
        except ValidationError as error:
            details = error.errors(include_url=False)
        for detail in details:
            path: Path = tuple(detail["loc"])
            if not (detail["type"] == "missing" and _was_left_out(path, spoilt)):
                keys = grammar.keys_at(path[:-1])
                checked.mistakes.append(Mistake(path, _message(detail, path, keys)))
            spoilt.add(_meant(path, grammar) if detail["type"] == "extra_forbidden" else path)
        unusable = [_unusable(detail) for detail in details]
        spoilt.update(unusable)
        changed = [_leave_out(data, path, grammar.stand_ins) for path in unusable]
        if not any(changed):
            return


def _was_left_out(path: Path, spoilt: set[Path]) -> bool:
    """Whether the value is missing only because it, or an item of it, was unusable."""
    return any(place[: len(path)] == path for place in spoilt)


def _unusable(detail: ErrorDetails) -> Path:
    """The place that must be left out; a node that lacks a key cannot be used as a whole."""
    path: Path = tuple(detail["loc"])
    return path[:-1] if detail["type"] == "missing" and len(path) > 1 else path


def _leave_out(data: Any, path: Path, stand_ins: Mapping[str | int, Any]) -> bool:
    """Remove the value at `path`, of a list the whole list; whether that changed anything."""
    if path and path[0] in stand_ins and len(path) == 1 and isinstance(data, dict):
        data[path[0]] = copy(stand_ins[path[0]])
        return True
    for key in path[:-1]:
        if not isinstance(data, dict) or key not in data:
            return False
        if isinstance(data[key], list):
            del data[key]
            return True
        data = data[key]
    if path and isinstance(data, dict) and path[-1] in data:
        del data[path[-1]]
        return True
    return False


def _message(detail: ErrorDetails, path: Path, keys: list[str]) -> str:
    """One of pydantic's errors in the words of this project."""
    kind, value = detail["type"], quoted(detail["input"])
    context = detail.get("ctx", {})
    match kind:
        case "missing":
            message = "is missing"
        case "too_short":
            message = "must not be empty"
        case "extra_forbidden":
            suggestion = did_you_mean(str(path[-1]), keys) or f"; known are {', '.join(keys)}"
            message = f"is not a key{suggestion}"
        case "literal_error":
            known = re.findall(r"'([^']*)'", str(context["expected"]))
            suggestion = did_you_mean(str(detail["input"]), known)
            message = f"{value} is not one of {', '.join(known)}{suggestion}"
        case "less_than_equal":
            message = f"must be at most {context['le']}, not {value}"
        case "greater_than_equal":
            message = f"must be at least {context['ge']}, not {value}"
        case "string_too_long":
            message = f"must have at most {context['max_length']} characters"
        case "value_error":
            message = f"{value} {context['error']}"
        case _ if kind in _EXPECTED:
            message = f"{_EXPECTED[kind]}, not {value}"
        case _:
            message = f"{value} cannot stand here: {detail['msg'].lower()}"
    return message


def _meant(path: Path, grammar: Grammar[Model]) -> Path:
    """The place of a misspelt key as it was probably meant."""
    return (*path[:-1], closest(str(path[-1]), grammar.keys_at(path[:-1])) or path[-1])
