"""A registry is a package: each of its modules is one thing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.registry import Registry

THING = """
from tests_registry_kind import Thing
THING = Thing({name!r}, {order})
"""


@dataclass(frozen=True)
class Thing:
    """Something that has a name."""

    name: str
    order: int


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry[Thing]]:
    """The registry of a package with two modules."""
    package = tmp_path / "things_for_test"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "apple.py").write_text(THING.format(name="apple", order=2))
    (package / "pear.py").write_text(THING.format(name="pear", order=1))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "tests_registry_kind", sys.modules[__name__])
    yield Registry("things_for_test", "THING", "thing", lambda thing: thing.order)
    for name in [name for name in sys.modules if name.startswith("things_for_test")]:
        del sys.modules[name]


def test_every_module_is_a_thing_in_order(things: Registry[Thing]) -> None:
    """No list names them."""
    assert list(things.all) == ["pear", "apple"]
    assert things.named("apple") == Thing("apple", 2)
    assert "pear" in things
    assert "plum" not in things


def test_what_is_not_there_is_named_with_what_is(things: Registry[Thing]) -> None:
    """With the closest, where one is close."""
    with pytest.raises(UsageError, match="no thing 'appel', did you mean 'apple'") as caught:
        things.named("appel")
    assert caught.value.hint == "There are: pear, apple."


def test_one_more_while_a_block_runs(things: Registry[Thing]) -> None:
    """As an extension, or a test, would add it; not twice."""
    with things.having(Thing("plum", 0)):
        assert list(things.all) == ["plum", "pear", "apple"]
        with pytest.raises(ValueError, match="there is a thing 'plum' already"):
            things.register(Thing("plum", 9))
    assert list(things.all) == ["pear", "apple"]
