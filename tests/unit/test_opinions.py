"""Further opinions: what they say, where it is kept, and when two of them disagree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from call_directory import call_notes, clip, make_directory, measured

from lab.engine.doctor import State, _opinions
from lab.errors import LabError
from lab.lazy import Lazy
from lab.measure.call.notes import CallPlan
from lab.measure.call.opinions import FILE, ask, check_present
from lab.measure.disagreement import disagreements
from lab.measure.opinion import RATE_HZ, Opinion, Pair
from lab.measure.opinions import OPINIONS, opinion_columns
from lab.measure.record import COLUMNS
from lab.measure.samples import Samples
from lab.measure.wav import Wav

asked: list[int] = []


def loudness(pair: Pair) -> float:
    """What the made-up opinion says; it counts how often it is asked."""
    asked.append(len(pair.heard))
    if not np.any(pair.heard):
        raise LabError("there is nothing to hear")
    return float(np.sqrt(np.mean(pair.heard**2)))


@pytest.fixture
def loud() -> Iterator[Opinion]:
    """An opinion that takes the place of ViSQOL: its columns are those of every record."""
    opinion = Opinion(
        "visqol", "Loudness", "how loud it is", 40, 0.1, ("numpy",), ("numpy",),
        rate=Lazy(__name__, "loudness"),
    )  # fmt: skip
    there = dict(OPINIONS.all)
    asked.clear()
    OPINIONS._found = there | {"visqol": opinion}
    yield opinion
    OPINIONS._found = there


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return make_directory(tmp_path, call_notes())


def test_records_have_the_columns_of_every_opinion() -> None:
    assert {"caller_plcmos", "plcmos_ceiling", "callee_visqol_delta"} <= set(opinion_columns())
    assert set(opinion_columns()) <= set(COLUMNS)
    assert not [column for column in opinion_columns() if "pesq" in column], "it has its own"


def test_what_is_said_is_kept_with_the_call_and_becomes_its_columns(
    loud: Opinion, directory: Path
) -> None:
    before = measured(directory).to_dict()
    assert before["caller_visqol"] is None
    ask(directory, ["visqol"])
    record = measured(directory)
    row = record.to_dict()
    assert row["caller_visqol"] == pytest.approx(row["visqol_ceiling"], rel=0.1)
    assert row["caller_visqol_delta"] == row["caller_visqol"] - row["visqol_ceiling"]
    assert record.versions["visqol"] == f"numpy {np.__version__}"
    same = {name: row[name] for name in before if name not in (*opinion_columns(), "versions")}
    assert same == {name: before[name] for name in same}, "nothing else changes"
    assert measured(shutil.copytree(directory, directory.parent / "elsewhere")).to_dict() == (
        row | {"artefacts": str(directory.parent / "elsewhere")}
    )


def test_the_same_audio_is_listened_to_once(loud: Opinion, directory: Path) -> None:
    ask(directory, ["visqol"])
    ask(directory, ["visqol"])
    assert len(asked) == 3, "both ends, and the codec alone"


def test_what_was_said_of_other_audio_does_not_count(loud: Opinion, directory: Path) -> None:
    ask(directory, ["visqol"])
    soundfile.write(directory / "caller.wav", clip() / 2, 8_000)
    row = measured(directory).to_dict()
    assert row["caller_visqol"] is row["caller_visqol_delta"] is None
    assert row["callee_visqol"] is not None
    ask(directory, ["visqol"])
    assert len(asked) == 4, "only the new one"


def test_another_version_is_asked_again(loud: Opinion, directory: Path) -> None:
    ask(directory, ["visqol"])
    kept = json.loads((directory / FILE).read_text())
    kept["visqol"]["callee"] |= {"version": "numpy 1.0", "value": 9.0}
    (directory / FILE).write_text(json.dumps(kept))
    assert measured(directory).opinions["callee_visqol"] == 9.0, "until it is"
    ask(directory, ["visqol"])
    assert measured(directory).opinions["callee_visqol"] < 1.0


def test_what_it_cannot_tell_has_a_reason_and_no_figure(loud: Opinion, tmp_path: Path) -> None:
    directory = make_directory(tmp_path, call_notes(), heard=np.zeros(12 * 8_000))
    ask(directory, ["visqol"])
    assert json.loads((directory / FILE).read_text())["visqol"]["caller"]["reason"] == (
        "there is nothing to hear"
    )
    row = measured(directory).to_dict()
    assert row["caller_visqol"] is None
    assert row["visqol_ceiling"] is not None


def test_nothing_is_asked_about_minutes(loud: Opinion, tmp_path: Path) -> None:
    directory = make_directory(tmp_path, call_notes(plan=CallPlan("sip", "PCMU", duration_s=60)))
    ask(directory, ["visqol"])
    assert not asked
    assert "32 s at most" in (directory / FILE).read_text()


def test_a_missing_package_is_named_with_what_to_do() -> None:
    lacking = Opinion(
        "x", "X", "x", 50, 0.1, ("x-py",), ("no_such_module",), Lazy(__name__, "loudness")
    )
    with pytest.raises(LabError, match="X needs x-py, not installed here") as raised:
        check_present([lacking])
    assert "make setup" in str(raised.value.hint)


@pytest.mark.parametrize(
    ("pesq", "visqol", "said"),
    [
        (-2.2, -0.2, ["PESQ is 2.20 below the codec alone, Loudness 0.20 below it"]),
        (-1.5, -0.02, ["PESQ is 1.50 below the codec alone, Loudness 0.02 below it"]),
        (-0.02, -1.5, ["Loudness is 1.50 below the codec alone, PESQ 0.02 below it"]),
        (-0.2, 0.2, ["PESQ is 0.20 below the codec alone, Loudness 0.20 above it"]),
        (-1.5, -0.4, []),
        (-0.4, -0.05, []),
        (0.05, -0.05, []),
    ],
)
def test_two_that_disagree_in_sign_are_told(
    loud: Opinion, pesq: float, visqol: float, said: list[str]
) -> None:
    row: Mapping[str, Any] = {
        "codec": "PCMU",
        "callee_pesq_mos": 4.4 + pesq, "pesq_ceiling_mos": 4.4,
        "callee_visqol": 4.5 + visqol, "visqol_ceiling": 4.5,
        "callee_emodel_r": 20.0,
    }  # fmt: skip
    assert list(disagreements(row)) == [f"callee: {text}" for text in said]


def speech(seconds: float = 4.0) -> Samples:
    """At 16 kHz."""
    return Wav(clip()[:, None], 8_000, "clip").mono(RATE_HZ)[: round(seconds * RATE_HZ)]


def with_gaps(samples: Samples) -> Samples:
    broken = samples.copy()
    for at in (1.0, 2.0, 3.0):
        broken[round(at * RATE_HZ) : round((at + 0.3) * RATE_HZ)] = 0.0
    return broken


def present(name: str) -> Opinion:
    opinion = OPINIONS.named(name)
    if opinion.lacking:
        pytest.skip(f"{' and '.join(opinion.lacking)} not installed (pip install '.[opinions]')")
    return opinion


def said_by(opinion: Opinion, pair: Pair) -> float:
    assert opinion.rate is not None
    return opinion.rate.load()(pair)


def test_plcmos_is_what_its_package_says_with_the_raters_of_one_seed() -> None:
    opinion = present("plcmos")
    from speechmos import plcmos  # noqa: PLC0415

    sound = speech()
    np.random.seed(2305)
    theirs = plcmos.run(sound, RATE_HZ)["plcmos"]
    ours = said_by(opinion, Pair(sound, sound))
    assert ours == pytest.approx(theirs, abs=1e-6)
    np.random.seed(1)
    others = plcmos.run(sound, RATE_HZ)["plcmos"]
    assert others != theirs, "raters are drawn at random there"
    assert abs(others - theirs) < opinion.tolerance


def test_visqol_is_what_its_own_command_says(tmp_path: Path) -> None:
    opinion = present("visqol")
    sound = speech()
    pair = Pair(*(np.round(each * 32768) / 32768 for each in (sound, with_gaps(sound))))
    for name, samples in (("a", pair.clip), ("b", pair.heard)):
        soundfile.write(tmp_path / f"{name}.wav", samples, RATE_HZ, subtype="PCM_16")
    line = [sys.executable, "-m", "visqol", "-r", "a.wav", "-d", "b.wav", "--speech_mode"]
    told = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
    theirs = float(told.stdout.split("MOS-LQO:")[1].split()[0])
    assert said_by(opinion, pair) == pytest.approx(theirs, abs=1e-4)
    assert theirs < 4.0, "and it hears gaps"


WITHOUT_NETWORK = """
import sys
def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise OSError(f"the network was asked: {event} {args}")
sys.addaudithook(refuse)
import numpy as np
from lab.measure.opinion import Pair
from lab.measure.opinions import OPINIONS
sound = np.load(sys.argv[2])
value = OPINIONS.named(sys.argv[1]).rate.load()(Pair(sound, sound))
print(value)
"""


@pytest.mark.parametrize("name", ["plcmos", "visqol"])
def test_nothing_is_fetched_when_it_is_asked(name: str, tmp_path: Path) -> None:
    """In a network namespace with nothing in it, where this host gives one."""
    present(name)
    np.save(tmp_path / "sound.npy", speech(2.0))
    line = [sys.executable, "-c", WITHOUT_NETWORK, name, str(tmp_path / "sound.npy")]
    alone = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0:
        line = [*alone, *line]
    home = {"HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path(__file__).parents[2])}
    told = subprocess.run(line, env=os.environ | home, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert 1.0 <= float(told.stdout.split()[-1]) <= 5.0


def test_the_doctor_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = {"plcmos": ("speechmos",), "visqol": ()}
    for name, packages in lacking.items():
        monkeypatch.setitem(vars(OPINIONS.named(name)), "lacking", packages)
    found = _opinions()
    assert (found.name, found.state) == ("opinions", State.NOTE)
    assert "speechmos not installed" in found.detail
    assert "make setup" in found.hint
