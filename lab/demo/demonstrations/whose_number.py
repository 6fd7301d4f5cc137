"""PESQ gives a number to any two recordings; whose it is, something else has to tell."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from lab.calls.image_contents import image_file
from lab.calls.methods import METHODS
from lab.calls.site import OTHER_SPEECH
from lab.demo.demonstration import Closing, Demonstration, Question, Recording, Shown
from lab.demo.figures import Bar, draw_bars
from lab.demo.stage import Stage
from lab.errors import LabError
from lab.measure.call.files import REFERENCE
from lab.measure.good_call import GOOD_MOS
from lab.measure.pesq_score import narrow_band_mos
from lab.measure.samples import Samples
from lab.measure.score import Score, score
from lab.measure.speech import RATE_HZ, pauses
from lab.measure.wav import Wav, read_wav
from lab.report.pages import Table, number_text

PLAYED_S = 15
BROKE_OFF_S = 4
STRETCHES = 16
"""Of the other talker, among which the one is chosen that PESQ likes best."""
FINDS_OUT_MOS = 2.0
"""Below it a number says by itself that something is wrong."""
THE_CALL = "the call"

PREDICTION = Question(
    "The same clip is compared, by PESQ, with recordings that are not this call: another talker, "
    "a call that broke off, sentences in another order. What is the best score among these?",
    (
        f"At most {FINDS_OUT_MOS:g}: PESQ finds out.",
        f"Between {FINDS_OUT_MOS:g} and {GOOD_MOS:g}: a doubtful score.",
        f"Above {GOOD_MOS:g}: as of a good call.",
    ),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """One recording against the clip."""

    name: str
    audio: Wav
    score: Score
    """As `lab score` gives it."""

    @property
    def mos(self) -> float:
        """PESQ's own number; the worst there is where it found nothing to compare."""
        return self.score.pesq_mos if self.score.pesq_mos is not None else 1.0


def show(stage: Stage) -> Shown:
    """Make one call, and score it and recordings that are not it against the same clip."""
    record = stage.call("a direct call", "sip", duration_s=PLAYED_S)
    with stage.busy("scoring recordings that are not the call"):
        directory = Path(record.artefacts or "")
        clip = read_wav(directory / REFERENCE).played_for(PLAYED_S)
        recording = read_wav(directory / "caller.wav")
        wrong = wrong_recordings(clip, recording, _other_talker(stage))
        heard = [
            Heard(name, audio, score(clip, audio))
            for name, audio in {THE_CALL: recording, **wrong}.items()
        ]
    return _shown(directory, heard)


def wrong_recordings(clip: Wav, recording: Wav, other: Wav) -> dict[str, Wav]:
    """What is not the call, by what it is."""
    samples = recording.mono(RATE_HZ)
    talker = other.mono(RATE_HZ)
    wrong = {
        f"the call, broken off after {BROKE_OFF_S} s": samples[: BROKE_OFF_S * RATE_HZ],
        "its sentences in another order": _another_order(samples),
        "another talker": talker[: len(samples)],
        f"another talker, the best of {STRETCHES}": _liked_best(clip.mono(RATE_HZ), talker),
    }
    return {name: Wav(audio[:, None], RATE_HZ, name) for name, audio in wrong.items()}


def _another_order(samples: Samples) -> Samples:
    """What comes after the longest pause first."""
    gaps = [gap for gap in pauses(samples) if gap.start > 0 and gap.end < len(samples)]
    longest = max(gaps, key=lambda gap: gap.end - gap.start, default=None)
    middle = len(samples) // 2 if longest is None else (longest.start + longest.end) // 2
    return np.concatenate([samples[middle:], samples[:middle]])


def _liked_best(clip: Samples, talker: Samples) -> Samples:
    """The stretch of another talker, as long as the clip, to which PESQ gives most."""
    starts = np.linspace(0, max(0, len(talker) - len(clip)), STRETCHES).astype(int)
    return max((talker[start : start + len(clip)] for start in starts), key=lambda s: _mos(clip, s))


def _mos(clip: Samples, samples: Samples) -> float:
    try:
        return narrow_band_mos(clip, samples)
    except LabError:
        return 0.0


def _other_talker(stage: Stage) -> Wav:
    """The other speech that the caller's image holds."""
    content = image_file(stage.lab.running, stage.lab.caller.name, OTHER_SPEECH)
    samples, rate_hz = soundfile.read(io.BytesIO(content), dtype="float64", always_2d=True)
    return Wav(samples, rate_hz, OTHER_SPEECH.name)


def _shown(directory: Path, heard: Sequence[Heard]) -> Shown:
    call, *wrong = heard
    best = max(wrong, key=lambda each: each.mos)
    praised = [each for each in heard if each.mos > GOOD_MOS]
    return Shown(
        came=0 if best.mos <= FINDS_OUT_MOS else 1 if best.mos <= GOOD_MOS else 2,
        findings=(
            f"PESQ gives {call.mos:.2f} to the call, and {best.mos:.2f} to {best.name!r}, which is "
            "not the call.",
            f"Of {len(praised)} recordings above {GOOD_MOS:g} the verdict believes "
            f"{sum(each.score.valid for each in praised)}, of the {len(wrong)} that are not the "
            f"call {sum(each.score.valid for each in wrong)}.",
            *(
                f"{each.name}: {'; '.join(each.score.reasons)}."
                for each in wrong
                if each in praised
            ),
        ),
        why=(
            "PESQ takes for granted that its second file is its first, damaged, and is given the "
            "stretch that both seem to have in common. How much that is, and whether it is in its "
            "place, is not its question.",
            "So the verdict looks for the clip in the recording first, piece by piece, at the same "
            "distance from the start: a score is valid only where all that was played is found, "
            "but for what captures saw the network lose.",
        ),
        closing=_closing(heard),
        tables=(
            Table(
                f"Compared with the clip, {PLAYED_S} s of speech",
                ("recording", "PESQ", "speech found", "believed"),
                tuple(_row(each) for each in heard),
                1,
            ),
        ),
        drawings=(
            draw_bars(
                "whose-number",
                "PESQ of each recording against the clip; hatched: not valid, by the verdict.",
                "PESQ MOS-LQO",
                [
                    Bar(each.name, (each.mos,), f"{each.mos:.2f}", marked=not each.score.valid)
                    for each in heard
                ],
                lines={"good": GOOD_MOS},
            ),
        ),
        recordings=(
            Recording("What the caller heard", directory / "caller.wav"),
            Recording("The clip, of which both ends played the beginning", directory / REFERENCE),
        ),
    )


def _row(each: Heard) -> tuple[str, ...]:
    return (
        each.name,
        number_text(each.score.pesq_mos, 2),
        f"{each.score.found_share:.0%}",
        "yes" if each.score.valid else "NO",
    )


def _closing(heard: Sequence[Heard]) -> Closing:
    praised = [each for each in heard if each.mos > GOOD_MOS]
    believed = [each.name for each in praised if each.score.valid]
    if believed == [THE_CALL] and len(praised) > 1:
        right: int | None = 1
    elif len(believed) == len(praised):
        right = 0 if len(praised) > 1 else None
    else:
        right = 2 if not believed else None
    return Closing(
        Question(
            f"Which of the recordings with a PESQ above {GOOD_MOS:g} say something about the call?",
            (
                "All: the score is what it is.",
                "The one that was proven to be the clip, whole.",
                "None: PESQ is worth nothing.",
            ),
        ),
        right,
        lesson=1,
    )


DEMONSTRATION = Demonstration(
    name="whose-number",
    title="Whose number is a PESQ of 4.5?",
    position=20,
    topology="paper",
    needs=METHODS.named("sip").needs,
    scene=(
        f"One call without VPN or Tor, in which {PLAYED_S} s of speech are played. What the caller "
        "recorded is scored against the clip by PESQ, and so are recordings that are not this call."
    ),
    prediction=PREDICTION,
    expected=2,
    show=show,
)
