"""The results that a command asks for by one word: a run of the user's own, or a bundle's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.bundles.opened import opened
from lab.store.database import Store
from lab.store.reading import read_store


@dataclass(frozen=True, slots=True)
class Results:
    """Where the results are, and which run is meant."""

    store: Store
    run_id: str
    """Or `last`."""
    bundle: Path | None = None
    """The file of the bundle they are in; None for the user's own."""


@contextmanager
def results_of(word: str) -> Iterator[Results]:
    """The results of the bundle that `word` is the file of, else the user's own, only to be read.

    LabError where they cannot be read, or the file is no bundle.
    """
    file = Path(word)
    if not file.is_file():
        with read_store() as store:
            yield Results(store, word)
        return
    with opened(file) as bundle, read_store(bundle.store) as store:
        yield Results(store, bundle.contents.run_id, file)


def bare_name(bundle: Path) -> str:
    """The name of its file without what says that it is an archive."""
    return re.sub(r"(\.tar)?(\.\w{1,4})?$", "", bundle.name) or bundle.name
