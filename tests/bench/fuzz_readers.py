"""Mutated topologies, experiments, captures and recordings: does a reader ever fall over?

    python tests/bench/fuzz_readers.py [KIND...] [--runs 5000] [--seed 1] [--keep DIRECTORY]
        [--more DIRECTORY]

Coverage guided (atheris, `pip install .[fuzz]`), from the shipped files, forged captures and
recordings, what else a directory holds, and the second study's sample where it is at hand. An
input is either read or refused with the lab's own error; whatever else leaves a reader, and every
input that takes too long, is printed, and its first case kept. Cases that were found and mended
are in tests/cases, and tests/unit/test_hostile_inputs.py gives them to the readers again.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from field_sample import FIELD
from hostile_readers import READERS
from hostile_run import LIMIT_S, Fuzzed, fuzz
from hostile_seeds import cases, of_others, seeds


def main() -> None:
    """Run, and print a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(READERS))
    parser.add_argument("--runs", type=int, default=5000, help="mutated inputs of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="where inputs with findings stay")
    parser.add_argument("--more", type=Path, action="append", default=[], help="other seeds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        for kind in options.kinds or READERS:
            place = (options.keep or Path(directory)) / kind
            others = [one for tree in (FIELD, *options.more) for one in of_others(kind, tree)]
            begin = [*seeds(kind), *cases(kind).values(), *others]
            _tell(fuzz(kind, begin, options.runs, place, options.seed))


def _tell(done: Fuzzed) -> None:
    print(
        f"{done.kind}: {done.mutated} mutated inputs from {done.seeds} seeds, {done.accepted} read "
        f"and {done.refused} refused (seeds included), {done.mutated / done.seconds:.0f}/s, "
        f"slowest {done.slowest_s:.2f} s of CPU (limit {LIMIT_S[done.kind]:.0f} s), "
        f"{sum(done.findings.values())} findings"
    )
    for finding, count in done.findings.items():
        print(f"  {finding} ({count} times)")


if __name__ == "__main__":
    main()
