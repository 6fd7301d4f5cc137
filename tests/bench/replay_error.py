"""How near does a call come to the call of the field that it is sent through?

Makes a profile of every call of the second study's sample (`LAB_FIELD_DATA`, by default
../shared/field), with the PESQ of its recordings, and sends calls of the same codec through it in
a lab that is up. Prints both ends of each: delay, jitter and bursts of the field beside the
replay's, PESQ likewise (of different clips), how far each packet was from what it was to meet,
and how many packets were lost or kept against the profile.

    lab up small
    python tests/bench/replay_error.py [--lab NAME] [--calls 1] [--only g711]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from field_sample import FIELD, MISSING, PRESENT

from lab.calls.call import make_call
from lab.calls.turn import having_turn
from lab.engine.client import connect
from lab.errors import LabError
from lab.events import silent
from lab.field.layout import CallFiles, EndFiles, find_calls
from lab.lifecycle.ready import open_lab
from lab.measure.capture import read_capture
from lab.measure.profile import HeardMos, Profile, make_profile
from lab.measure.profile_file import write_profile
from lab.measure.record import CallRecord
from lab.measure.rtp import streams
from lab.measure.score import score
from lab.sweep.asked import call_plan
from lab.sweep.conditions import conditions
from lab.sweep.point import Point
from lab.wire.codecs import codec_named

FIGURES = ("owd_ms_p50", "owd_ms_p95", "jitter_mean", "burst_mean", "pesq_mos")
WIDTH = 18


def profile_of(files: CallFiles) -> Profile:
    """The profile of one call of the sample; LabError where its captures give none."""
    captures = [end.capture for end in (files.caller, files.callee)]
    if None in captures:
        raise LabError("a capture is missing")
    at_caller, at_callee = (streams(read_capture(path)) for path in captures if path)
    made = make_profile(at_caller, at_callee, (str(captures[0]), str(captures[1])))
    return replace(made, pesq_mos=HeardMos(_mos(files.caller), _mos(files.callee)))


def _mos(end: EndFiles) -> float | None:
    clip = FIELD / "reference" / "choppy.wav"
    return None if end.recording is None else score(clip, end.recording).pesq_mos


def replayed(lab_name: str | None, profile: Path, codec: str) -> CallRecord:
    """One call through it."""
    client = connect()
    name = open_lab(client, lab_name).running.name
    point = Point("sip", profile=str(profile), codec=codec, direction="to-caller").normalised()
    with (
        having_turn(client, name, silent) as lab,
        conditions(lab, point, 0, silent) as observers,
    ):
        return make_call(lab, call_plan(point), silent, observers)


def lines(record: CallRecord) -> Iterator[str]:
    """The two ends of one replay."""
    verdict = record.reason or "; ".join(record.invalid_reasons) or "valid"
    for end in ("callee", "caller"):
        cells = [
            f"{_n(getattr(record, f'{end}_profile_{name}'))} > "
            f"{_n(getattr(record, f'{end}_{name}'))}"
            for name in FIGURES
        ]
        yield f"  {end}  " + "".join(cell.rjust(WIDTH) for cell in cells)
    yield (
        f"  error 50 % {_n(record.replay_error_ms_p50)} ms, 99 % "
        f"{_n(record.replay_error_ms_p99)} ms; losses against the profile: "
        f"{record.replay_loss_errors}; profile {record.profile_used}; {verdict}"
    )


def _n(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def main() -> None:
    """Replay what was asked for, one call of the field after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--lab", help="the lab; default: your only one")
    parser.add_argument("--calls", type=int, default=1, help="replays of each")
    parser.add_argument("--only", default="", help="calls of the field whose name holds this")
    options = parser.parse_args()
    if not PRESENT:
        raise SystemExit(MISSING)
    print(" " * 10 + "".join(name.rjust(WIDTH) for name in FIGURES) + "  (field > replay)")
    with tempfile.TemporaryDirectory() as directory:
        for files in find_calls(FIELD):
            if options.only not in files.name:
                continue
            print(files.name, flush=True)
            file = Path(directory) / f"{files.iteration_no}.json"
            try:
                profile = profile_of(files)
                write_profile(profile, file)
                codec = codec_named(profile.to_callee.codec)
                for _ in range(options.calls):
                    record = replayed(options.lab, file, codec.name if codec else "PCMU")
                    print("\n".join(lines(record)), flush=True)
            except LabError as error:
                print(f"  {error.message}", flush=True)


if __name__ == "__main__":
    main()
