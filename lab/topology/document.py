"""YAML text → plain values and the position of every key.

Written on PyYAML's event stream rather than its constructors, because a topology needs
less and stricter YAML: scalars as in YAML 1.2 (`on` is a word, not a truth value), no
tags that make objects, duplicate keys found, depth and expansion of aliases bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from lab.topology.mistakes import Mistake, Path, quoted

MAX_CHARACTERS = 256 * 1024
MAX_DEPTH = 20
MAX_NODES = 20_000
"""Values in a document once its aliases are expanded."""

_CORE = "tag:yaml.org,2002:"
_COLLECTION_TAGS = {yaml.MappingStartEvent: f"{_CORE}map", yaml.SequenceStartEvent: f"{_CORE}seq"}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,99})", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]{1,3})?", re.ASCII)
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True)
_WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class Document:
    """What a YAML file says, with the mistakes found while reading it."""

    value: Any = None
    """Nested dicts with text keys, lists, and str, int, float, bool or None."""
    positions: dict[Path, tuple[int, int]] = field(default_factory=dict)
    """Line and column, from 1, of every key and list item."""
    mistakes: list[Mistake] = field(default_factory=list)

    def position(self, path: Path) -> tuple[int, int]:
        """Where `path` is written; of what it is missing from, where it is missing."""
        while path and path not in self.positions:
            path = path[:-1]
        return self.positions.get(path, (1, 1))


@dataclass(slots=True)
class _Node:
    """A value as it is written; `content` of a mapping is its keys and values in turn."""

    line: int
    column: int
    content: Any
    kind: type[yaml.Event]
    size: int = 1
    depth: int = 1


class _BadYamlError(Exception):
    """The text stops being readable at this position."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.mistake = Mistake((), message, line, column)


def read_document(text: str) -> Document:
    """Read one YAML document; whatever is wrong with it stands in its `mistakes`."""
    document = Document()
    try:
        if len(text) > MAX_CHARACTERS:
            raise _BadYamlError(f"is longer than {MAX_CHARACTERS // 1024} KiB")
        composer = _Composer()
        for event in _events(text):
            composer.take(event)
    except _BadYamlError as error:
        document.mistakes.append(error.mistake)
        return document
    root = composer.root
    if root is not None:
        document.positions[()] = (root.line, root.column)
        document.value = _expand(root, (), document)
    return document


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise _BadYamlError("has a character that YAML does not allow", line, column) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(filter(None, [error.context, error.problem]))
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _BadYamlError(f"is not YAML: {reason}", line, column) from None
    except (ValueError, OverflowError) as error:
        # PyYAML lets these escape, for instance from chr() for the text "\UFFFFFFFF".
        raise _BadYamlError(f"is not YAML: {error}") from None


class _Composer:
    """Builds the tree of the only document in a stream of events."""

    def __init__(self) -> None:
        self.root: _Node | None = None
        self._open: list[tuple[_Node, str | None]] = []
        self._anchors: dict[str, _Node | None] = {}
        """None for an anchor whose value is still open."""

    def take(self, event: yaml.Event) -> None:
        """Add what one event tells; _BadYamlError where it cannot stand."""
        mark = event.start_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        match event:
            case yaml.DocumentStartEvent() if self.root is not None:
                raise _BadYamlError("has a second document; a file is one topology", line, column)
            case yaml.CollectionStartEvent():
                self._begin(event, line, column)
            case yaml.CollectionEndEvent():
                self._attach(*self._open.pop(), line, column)
            case yaml.ScalarEvent():
                node = _Node(line, column, _scalar(event, line, column), type(event))
                self._attach(node, event.anchor, line, column)
            case yaml.AliasEvent():
                self._attach(self._referred(event.anchor or "", line, column), None, line, column)

    def _begin(self, event: yaml.CollectionStartEvent, line: int, column: int) -> None:
        tag = _COLLECTION_TAGS[type(event)]
        if event.tag not in (None, "!", tag):
            raise _BadYamlError(f"has the unknown tag {quoted(event.tag)}", line, column)
        if len(self._open) >= MAX_DEPTH:
            raise _BadYamlError(f"is nested deeper than {MAX_DEPTH} levels", line, column)
        self._open.append((_Node(line, column, [], type(event)), event.anchor))
        if event.anchor:
            self._anchors[event.anchor] = None

    def _referred(self, anchor: str, line: int, column: int) -> _Node:
        node = self._anchors.get(anchor)
        if node is None:
            problem = "refers to itself" if anchor in self._anchors else "is not defined"
            raise _BadYamlError(f"has the alias {quoted(anchor)}, which {problem}", line, column)
        return node

    def _attach(self, node: _Node, anchor: str | None, line: int, column: int) -> None:
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self.root = node
            return
        parent = self._open[-1][0]
        parent.content.append(node)
        parent.size += node.size
        parent.depth = max(parent.depth, node.depth + 1)
        if parent.size > MAX_NODES:
            raise _BadYamlError(f"has more than {MAX_NODES} values", line, column)
        if parent.depth > MAX_DEPTH:
            raise _BadYamlError(f"is nested deeper than {MAX_DEPTH} levels", line, column)


def _scalar(event: yaml.ScalarEvent, line: int, column: int) -> Any:
    """The value of a scalar by the core schema of YAML 1.2, without octal and hexadecimal."""
    text: str = event.value
    if event.tag in (None, "!"):
        return _plain(text) if event.implicit[0] else text
    if event.tag == f"{_CORE}str":
        return text
    value = _plain(text)
    wanted = {"int": int, "float": float, "bool": bool, "null": type(None)}
    if event.tag.startswith(_CORE) and type(value) is wanted.get(event.tag[len(_CORE) :]):
        return value
    raise _BadYamlError(f"has the tag {quoted(event.tag)}, which does not fit", line, column)


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def _expand(node: _Node, path: Path, document: Document) -> Any:
    """Plain values of a tree; fills the document's positions and mistakes."""
    if node.kind is yaml.SequenceStartEvent:
        items = []
        for index, item in enumerate(node.content):
            document.positions[*path, index] = (item.line, item.column)
            items.append(_expand(item, (*path, index), document))
        return items
    if node.kind is yaml.MappingStartEvent:
        return _expand_mapping(node, path, document)
    value = node.content
    if isinstance(value, str) and _UNPRINTABLE.search(value):
        message = f"has a control character: {quoted(value)}"
        document.mistakes.append(Mistake(path, message, node.line, node.column))
        return _UNPRINTABLE.sub("?", value)
    return value


def _expand_mapping(node: _Node, path: Path, document: Document) -> dict[str, Any]:
    values: dict[str, Any] = {}
    first_lines: dict[str, int] = {}
    for key, child in zip(node.content[::2], node.content[1::2], strict=True):
        name = key.content
        problem = None
        if key.kind is not yaml.ScalarEvent or not isinstance(name, str):
            problem = f"has a key that is not text: {quoted(name)}"
        elif _UNPRINTABLE.search(name):
            problem = f"has a key with a control character: {quoted(name)}"
        elif name in values:
            problem = f"has the key {quoted(name)} twice; it stands in line {first_lines[name]} too"
        if problem:
            document.mistakes.append(Mistake(path, problem, key.line, key.column))
            continue
        document.positions[*path, name] = (key.line, key.column)
        first_lines[name] = key.line
        values[name] = _expand(child, (*path, name), document)
    return values
