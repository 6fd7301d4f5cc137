"""How long one score takes: `python tests/bench/score_time.py [REFERENCE RECORDING]`.

Compared in the same run with bare PESQ on the same audio, which proves nothing about what it
scores: the ratio is the price of the proof. Without files a synthetic clip of 30 s is used.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from damaged_calls import later, with_losses
from talker import speak, wav

from lab.measure.pesq_score import narrow_band_mos
from lab.measure.score import score
from lab.measure.speech import RATE_HZ
from lab.measure.wav import Wav, read_wav

ROUNDS = 7


def seconds(action: Callable[[], object]) -> list[float]:
    """CPU time of every round: other programs on the host do not count."""
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time()
        action()
        taken.append(time.process_time() - start)
    return taken


def main() -> None:
    """Print the median of both and their ratio."""
    files: list[Wav]
    if len(sys.argv) == 3:
        files = [read_wav(Path(name)) for name in sys.argv[1:]]
    else:
        clip = speak(seed=1, seconds=30)
        files = [wav(clip), wav(later(with_losses(clip, 0.05, 2), 0.2))]
    reference, recording = files
    narrow = [file.mono(RATE_HZ) for file in files]
    bare = seconds(lambda: narrow_band_mos(narrow[0], narrow[1]))
    whole = seconds(lambda: score(reference, recording))
    print(f"reference {reference.duration_s:.1f} s, recording {recording.duration_s:.1f} s")
    for name, taken in (("bare PESQ", bare), ("lab score", whole)):
        print(
            f"{name}: median {statistics.median(taken):.2f} s CPU, "
            f"{min(taken):.2f} to {max(taken):.2f} (n = {ROUNDS})"
        )
    print(f"ratio {statistics.median(whole) / statistics.median(bare):.1f}")


if __name__ == "__main__":
    main()
