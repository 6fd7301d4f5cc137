"""A call from beginning to end, with everything but Docker: a throw-away method carries it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import soundfile
from call_directory import CLIP_S, call_notes, clip, write_traces

from lab.calls import beside, call, image_contents
from lab.calls.call import failed_call, make_call
from lab.calls.method import Method, Talkers
from lab.calls.methods import METHODS
from lab.calls.paths.base import Way
from lab.calls.paths.circuit import PinnedCircuit
from lab.calls.site import CallSite
from lab.engine.discovery import RunningLab, RunningNode
from lab.errors import LabError
from lab.events import Began, CallBegan, CallEnded, CallInterrupted, Happening
from lab.lazy import Lazy
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.measured import measure_call
from lab.measure.call.notes import CallNotes, CallPlan, read_notes
from lab.measure.call.path import VoicePath
from lab.measure.call.watches import AvailableWatch
from lab.render.owner import Owner
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind
from lab.topology.resolve import resolve

BLOCK = IPv4Network("10.77.16.0/20")
VOICE_AT = 1_764_211_569.0


class Tins:
    """Two tins and a string, which leave what phones would."""

    said: str | None = None
    """Why they fail; None where they do not."""
    interrupted = False

    def __init__(self, site: CallSite) -> None:
        self._site = site

    def at_the_ready(self) -> AbstractContextManager[None]:
        return nullcontext()

    def talk(self, path: VoicePath, duration_s: float) -> None:
        if Tins.interrupted:
            raise KeyboardInterrupt
        notes, directory = self._site.notes, self._site.workspace.host
        assert (path.caller.node, duration_s) == ("caller", CLIP_S)
        self._site.voice_begins(VOICE_AT)
        notes.reports = call_notes().reports
        notes.failure = Tins.said
        write_traces(directory, notes)

    def end(self) -> None:
        pass


def plan_string(_lab: ReadyLab, _seed: int) -> VoicePath:
    path = call_notes().path
    assert path
    return path


STRING = Way(plan_string, lambda *_: nullcontext(()))
TIN_CAN = Method(
    name="tin-can",
    system="two tins and a string",
    description="a string from ear to ear",
    position=35,
    way=Lazy(__name__, "STRING"),
    talkers=Talkers(Lazy(__name__, "Tins"), None, (), METHODS.named("sip").codecs, False),
    points=(),
    needs=(),
)


@contextmanager
def probes(*_: Any) -> Iterator[SimpleNamespace]:
    def observe(notes: CallNotes) -> AbstractContextManager[None]:
        told = call_notes()
        notes.points, notes.clocks = told.points, told.clocks
        notes.captures, notes.scheduling = told.captures, told.scheduling
        return nullcontext()

    yield SimpleNamespace(observing=observe, await_start=lambda: None)


@contextmanager
def delay_readers(_lab: ReadyLab, _path: VoicePath) -> Iterator[SimpleNamespace]:
    yield SimpleNamespace(reading=lambda _: nullcontext())


def processors(_lab: ReadyLab, _duration_s: float) -> SimpleNamespace:
    def note(notes: CallNotes) -> None:
        notes.host, notes.usage = call_notes().host, call_notes().usage

    return SimpleNamespace(end=lambda: None, note=note)


def file_in(_lab: RunningLab, _node: str, place: str) -> bytes:
    """The clip, and for other speech the clip backwards."""
    wav = io.BytesIO()
    soundfile.write(wav, clip()[::-1] if "other" in place else clip(), 8_000, format="WAV")
    return wav.getvalue()


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReadyLab]:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    monkeypatch.setattr(Tins, "said", None)
    monkeypatch.setattr(Tins, "interrupted", False)
    monkeypatch.setattr(call, "Probes", probes)
    monkeypatch.setattr(call, "DelayReaders", delay_readers)
    monkeypatch.setattr(call, "watching_nodes", lambda *_: nullcontext())
    monkeypatch.setattr(call, "Processors", processors)
    monkeypatch.setattr(image_contents, "file_in", file_in)
    for module in (beside, call):
        monkeypatch.setattr(module, "component_versions", lambda _: {"string": "7 m"})
    caller = RunningNode("caller", "endpoint", "c", "running", None, "", "sha256:0123")
    running = RunningLab("paper", "paper", "", BLOCK, (caller,))
    monkeypatch.setattr(call, "connect", lambda: None)
    monkeypatch.setattr(call, "find_labs", lambda *_: (running,))
    topology = resolve(load_topology(find_topology("paper")), "paper", BLOCK, PbxKind.KAMAILIO)
    with METHODS.having(TIN_CAN):
        yield ReadyLab(running, topology, tmp_path / "labs" / "paper", {}, Owner(1, 1), {})


def test_a_call_is_made_measured_and_kept(lab: ReadyLab, tmp_path: Path) -> None:
    happened: list[Happening] = []
    plan = CallPlan("tin-can", seed=4, columns={"direction": "to-caller"})
    record = make_call(lab, plan, happened.append)
    assert (record.status, record.valid, record.invalid_reasons) == ("ok", True, [])
    assert (record.method, record.codec, record.seed) == ("tin-can", "PCMU", 4)
    assert (record.direction, record.versions) == ("to-caller", {"string": "7 m"})
    assert record.caller_pesq_mos == pytest.approx(4.55, abs=0.02)
    assert record.pesq_ceiling_mos == pytest.approx(4.2, abs=0.1)
    kept = tmp_path / "results" / "calls" / record.call_id
    assert record.artefacts == str(kept)
    assert measure_call(kept).record == record, "the same function, the same row"
    assert json.loads((kept / "scores.json").read_text()).keys() == {
        "caller", "callee", "ceiling",
    }  # fmt: skip
    assert list((lab.directory / "calls").iterdir()) == []
    assert sorted(file.name for file in (tmp_path / "images" / "0123").iterdir()) == [
        "clip-8k.wav", "other-8k.wav",
    ]  # fmt: skip
    stages = [told.stage for told in happened if isinstance(told, Began)]
    assert stages == ["opening the path", "starting captures", "calling", "measuring"]
    assert isinstance(happened[0], CallBegan)
    assert isinstance(happened[-1], CallEnded)


def test_who_observes_a_call_is_told_when_its_voice_begins(lab: ReadyLab) -> None:
    at: list[float] = []

    @contextmanager
    def observe(_notes: CallNotes) -> Iterator[Callable[[float], None]]:
        yield at.append

    record = make_call(lab, CallPlan("tin-can"), observers=[observe])
    assert at == [VOICE_AT]
    assert read_notes(Path(record.artefacts or "")).voice_began_at == VOICE_AT


def test_what_bandwidth_is_left_is_measured_when_all_else_is_over(
    lab: ReadyLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    @contextmanager
    def told(name: str, *_: Any) -> Iterator[Any]:
        yield SimpleNamespace(observing=observing, await_start=lambda: None)
        order.append(f"{name} closed")

    @contextmanager
    def observing(notes: CallNotes) -> Iterator[None]:
        with probes() as usual, usual.observing(notes):
            yield
        order.append("captures ended")

    @contextmanager
    def open_path(*_: Any) -> Iterator[Sequence[PinnedCircuit]]:
        yield ()
        order.append("path closed")

    def measure(*words: Any) -> None:
        order.append("bandwidth")
        assert words[-1].usage is not None, "the processors were read before"
        words[-1].available = AvailableWatch(reason="iperf3: no route")

    def scoring(waiting: beside.Beside) -> None:
        order.append("scoring")
        begin(waiting)

    begin = beside.Beside.begin_measuring
    monkeypatch.setattr(call, "Probes", lambda *_: told("probes"))
    monkeypatch.setattr(f"{__name__}.STRING", Way(plan_string, open_path))
    monkeypatch.setattr(call, "note_available", measure)
    monkeypatch.setattr(beside.Beside, "begin_measuring", scoring)
    record = make_call(lab, CallPlan("tin-can", available=True))
    assert order == ["captures ended", "bandwidth", "scoring", "path closed", "probes closed"]
    assert (record.status, record.valid, record.invalid_reasons) == ("ok", True, [])
    assert (record.available_kbps_up, record.available_reason) == (None, "iperf3: no route")


def test_a_conversation_that_fails_is_a_record_with_its_reason(lab: ReadyLab) -> None:
    Tins.said = "callee: the string is torn"
    record = make_call(lab, CallPlan("tin-can"))
    assert (record.status, record.reason) == ("failed", "callee: the string is torn")
    assert (record.cpu_pct, record.caller_pesq_mos) == (39.0, None)
    assert read_notes(Path(record.artefacts or "")).failure == record.reason


def test_of_a_call_that_failed_no_bandwidth_is_measured(
    lab: ReadyLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[Any] = []
    monkeypatch.setattr(call, "note_available", lambda *words: measured.append(words))
    Tins.said = "callee: the string is torn"
    record = make_call(lab, CallPlan("tin-can", available=True))
    assert (record.status, record.available_reason, measured) == ("failed", None, [])
    assert record.reason == "callee: the string is torn"


def test_a_path_that_does_not_open_is_a_record_with_its_reason(
    lab: ReadyLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def torn(*_: Any) -> Iterator[Sequence[PinnedCircuit]]:
        raise LabError("no string is long enough")
        yield ()

    monkeypatch.setattr(f"{__name__}.STRING", Way(plan_string, torn))
    record = make_call(lab, CallPlan("tin-can"))
    assert (record.status, record.reason) == ("failed", "no string is long enough")
    notes = read_notes(Path(record.artefacts or ""))
    assert (notes.path, notes.reports) == (call_notes().path, None)


def test_a_call_that_could_not_even_begin_keeps_why(lab: ReadyLab) -> None:
    record = failed_call(lab, CallPlan("tin-can", run_id="r-1"), "no competing traffic")
    assert (record.status, record.reason, record.run_id) == (
        "failed", "no competing traffic", "r-1",
    )  # fmt: skip
    assert measure_call(Path(record.artefacts or "")).record == record


def test_a_node_that_ends_during_a_call_makes_it_invalid(
    lab: ReadyLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = RunningNode("relay1", "relay", "x", "exited", 137, "i")
    monkeypatch.setattr(call, "find_labs", lambda *_: (replace(lab.running, nodes=(node,)),))
    record = make_call(lab, CallPlan("tin-can"))
    assert record.invalid_reasons == ["node relay1 ended during the call, exit status 137"]


def test_an_interrupted_call_leaves_nothing(lab: ReadyLab, tmp_path: Path) -> None:
    Tins.interrupted = True
    happened: list[Happening] = []
    with pytest.raises(KeyboardInterrupt):
        make_call(lab, CallPlan("tin-can"), happened.append)
    assert list((lab.directory / "calls").iterdir()) == []
    assert not (tmp_path / "results" / "calls").exists()
    assert isinstance(happened[-1], CallInterrupted)
