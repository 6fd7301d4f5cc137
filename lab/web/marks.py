"""Elements of the page as values: their text, and what has changed from one moment to the next.

A page that drew everything anew twice a second would lose what has the focus, and cost more than
it shows: only what differs is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

SHOWS = "text"
"""Stands for an attribute in a `Change` of the text inside an element."""
INNER = "inner"
"""Stands for an attribute in a `Change` of all that is inside an element."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An element of HTML or SVG."""

    tag: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What changes with time is on elements that have an `id`."""
    inside: str | tuple[Mark, ...] = ()
    """A text, or elements."""

    @property
    def name(self) -> str | None:
        """By what it is found in a page."""
        return self.attributes.get("id")


def mark(
    element: str,
    name: str | None = None,
    inside: str | Sequence[Mark] = (),
    also: Mapping[str, object] | None = None,
    **attributes: object,
) -> Mark:
    """An element called `name`; `stroke_width` is written stroke-width, None is left out."""
    own = {} if name is None else {"id": name}
    own |= {
        key.rstrip("_").replace("_", "-"): _written(value)
        for key, value in {**(also or {}), **attributes}.items()
        if value is not None
    }
    return Mark(element, own, inside if isinstance(inside, str) else tuple(inside))


def _written(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def text_of(one: Mark) -> str:
    """The element as a page has it; every text and every value is escaped."""
    attributes = "".join(f' {key}="{escape(value)}"' for key, value in one.attributes.items())
    return f"<{one.tag}{attributes}>{_inside_text(one)}</{one.tag}>"


def _inside_text(one: Mark) -> str:
    if isinstance(one.inside, str):
        return escape(one.inside, quote=False)
    return "".join(map(text_of, one.inside))


def as_code(text: str) -> str:
    """Words as HTML, with what is to be typed, in backticks, as such."""
    return re.sub("`([^`]*)`", r"<code>\1</code>", escape(text, quote=False))


Change = tuple[str, str, str | None]
"""The element's id; an attribute, `SHOWS` or `INNER`; its value, None where it has gone."""


def changes(before: Mark, after: Mark) -> list[Change]:
    """What makes `before` into `after`, which has the same tag and id.

    Where elements come or go, or one without an id differs, the nearest one around them that has
    an id is filled anew. ValueError where none has.
    """
    found = list(_changes(before, after))
    if None in found:
        raise ValueError(f"<{after.tag}> has no id, and its inside has changed")
    return [change for change in found if change is not None]


def _changes(before: Mark, after: Mark) -> Iterator[Change | None]:
    """None stands for what the element around has to do."""
    if before == after:
        return
    if before.tag != after.tag or before.name != after.name:
        yield None
        return
    name = after.name
    if before.attributes != after.attributes:
        if name is None:
            yield None
            return
        for key in {**before.attributes, **after.attributes}:
            value = after.attributes.get(key)
            if before.attributes.get(key) != value:
                yield name, key, value
    yield from _inside(before, after, name)


def _inside(before: Mark, after: Mark, name: str | None) -> Iterator[Change | None]:
    if before.inside == after.inside:
        return
    if isinstance(after.inside, str) and isinstance(before.inside, str):
        yield None if name is None else (name, SHOWS, after.inside)
        return
    inner: list[Change | None] = [None]
    both = (before.inside, after.inside)
    if not any(isinstance(one, str) for one in both) and len(both[0]) == len(both[1]):
        inner = [
            change
            for one, other in zip(before.inside, after.inside, strict=True)
            if isinstance(one, Mark) and isinstance(other, Mark)
            for change in _changes(one, other)
        ]
    if None not in inner:
        yield from inner
    elif name is None:
        yield None
    else:
        yield name, INNER, _inside_text(after)
