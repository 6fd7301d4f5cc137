"""What an opinion costs: `python tests/bench/opinion_cost.py [--seconds 30] [RECORDING]`.

CPU seconds and the most memory of a process that asks it once, libraries and weights included;
without a recording about synthetic speech. PESQ, bare, beside them in the same run.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))


def sound(recording: str | None, seconds: float) -> tuple[object, int]:
    """One dimension at 8 kHz."""
    from talker import speak  # noqa: PLC0415

    from lab.measure.wav import read_wav  # noqa: PLC0415

    samples = read_wav(Path(recording)).mono(8_000) if recording else speak(1, seconds)
    return samples[: round(seconds * 8_000)], 8_000


def ask(name: str, recording: str | None, seconds: float) -> None:
    """Print what it says, its CPU time and its peak memory."""
    from lab.measure.opinion import RATE_HZ, Pair  # noqa: PLC0415
    from lab.measure.opinions import OPINIONS  # noqa: PLC0415
    from lab.measure.pesq_score import narrow_band_mos  # noqa: PLC0415
    from lab.measure.wav import Wav  # noqa: PLC0415

    samples, rate_hz = sound(recording, seconds)
    wav = Wav(samples[:, None], rate_hz, "sound")  # type: ignore[index]
    before = resource.getrusage(resource.RUSAGE_SELF)
    if name == "pesq":
        value = narrow_band_mos(wav.mono(8_000), wav.mono(8_000))
    else:
        rate = OPINIONS.named(name).rate
        assert rate is not None
        wide = wav.mono(RATE_HZ)
        value = rate.load()(Pair(wide, wide))
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{name}: {value:.3f}, {cpu_s:.1f} s of CPU for {wav.duration_s:.1f} s, "
        f"{after.ru_maxrss / 1024:.0f} MB, of which {before.ru_maxrss / 1024:.0f} MB before it"
    )


def main() -> None:
    """Each in a process of its own."""
    from lab.measure.opinions import OPINIONS  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", nargs="?")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--only", help="One opinion, in this process.")
    options = parser.parse_args()
    if options.only:
        ask(options.only, options.recording, options.seconds)
        return
    extras = [opinion for opinion in OPINIONS if opinion.is_extra]
    for opinion in extras:
        if opinion.lacking:
            print(f"{opinion.name}: not measured, {' and '.join(opinion.lacking)} not installed")
    for name in ["pesq", *(opinion.name for opinion in extras if not opinion.lacking)]:
        line = [sys.executable, __file__, "--only", name, "--seconds", str(options.seconds)]
        subprocess.run([*line, *([options.recording] if options.recording else [])], check=True)


if __name__ == "__main__":
    main()
