"""What the program beside a machine does with the faults of its links, and its delay line tells."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from lab.agents.net import delay_line, delay_rules, reading, shaping
from lab.agents.net.faults import Faults
from lab.wire.faults import (
    FAULTS,
    BeginFault,
    EndFault,
    FaultInForce,
    FaultOver,
    FaultsKept,
    KeepFaults,
    LinkFault,
    LinksPrepared,
    PrepareLinks,
)
from lab.wire.messages import write
from lab.wire.shape import Direction, ShapingError

HOME = IPv4Address("10.9.0.2")
ETH0, OUT, IN = 3, 7, 8
TAPS = {Direction.OUT: (OUT, "delay-out-eth0"), Direction.IN: (IN, "delay-in-eth0")}
BEGIN = BeginFault(HOME, 100.0, "hand")


class Line:
    """Answers as the delay line does, as far as faults go; what it lost is told it."""

    def __init__(self) -> None:
        self.pipes: dict[str, list[str]] = {}
        self.lost = 0
        self.forgets = False

    def ask(self, request: str) -> str:
        if request == "show":
            return "".join(self._shown(name, fault) for name, fault in self.pipes.items())
        word, name, *figures = request.split()
        assert word == "fault"
        if name not in self.pipes:
            return "error there is no such pipe\n"
        self.pipes[name] = [] if self.forgets else figures
        return "done\n"

    def _shown(self, name: str, fault: list[str]) -> str:
        head = f"pipe {name} sent 7 lost 1 refused 0 waiting 2 took_sum_us 9 took_max_us 5"
        told = f"fault {fault[0]} {self.lost} {fault[2]}\n" if fault else ""
        rule = "rule 0.0.0.0/0 40000 5000 1 normal:0 jitters 0 packets 0 met 0\n"
        return f"{head} late_max_us 44\nlate 10 0:6 4:1\n{told}{rule}"


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    made = Line()
    monkeypatch.setattr(delay_line, "ask", made.ask)
    monkeypatch.setattr(delay_rules, "ask", made.ask)
    monkeypatch.setattr(reading, "device_of", lambda _: ETH0)
    names = {ETH0: "eth0", **dict(TAPS.values())}
    monkeypatch.setattr(reading, "devices", lambda: names)
    monkeypatch.setattr(
        reading,
        "delaying_device",
        lambda _, way: TAPS[way][0] if TAPS[way][1] in made.pipes else None,
    )

    def have_line(_index: int, way: Direction) -> str:
        made.pipes.setdefault(TAPS[way][1], [])
        return TAPS[way][1]

    monkeypatch.setattr(shaping, "have_line", have_line)
    return made


@pytest.fixture
def faults(line: Line) -> Faults:
    made = Faults()
    assert made.answer(PrepareLinks((HOME,))) == LinksPrepared()
    return made


def present(line: Line) -> list[LinkFault | None]:
    return [pipe.fault for pipe in delay_line.pipes().values()]


def test_a_fault_is_in_both_directions_and_over_in_both(faults: Faults, line: Line) -> None:
    begun = faults.answer(BEGIN)
    assert isinstance(begun, FaultInForce)
    assert begun.fault.in_force
    assert [words[0] for words in line.pipes.values()] == ["1000000", "1000000"]
    seeds = {words[1] for words in line.pipes.values()}
    assert len(seeds) == 2, "each direction draws by itself"
    assert present(line) == [begun.fault, begun.fault]

    line.lost = 40
    over = faults.answer(EndFault(HOME))
    assert isinstance(over, FaultOver)
    assert over.fault
    assert (over.fault.began_at, over.fault.lost) == (begun.fault.began_at, 80)
    assert over.fault.ended_at is not None
    assert over.fault.ended_at >= over.fault.began_at
    assert [words[0] for words in line.pipes.values()] == ["0", "0"]
    assert faults.answer(EndFault(HOME)) == FaultOver(None)


@pytest.mark.parametrize(
    "fault",
    [
        LinkFault(100.0, 1_764_211_569.123456, "20261128T050000-3fa9c1", until=1_764_211_571.5),
        LinkFault(0.5, 1_764_211_569.0, "hand", ended_at=1_764_211_570.25, lost=9),
    ],
)
def test_a_delay_line_remembers_all_of_a_fault(fault: LinkFault, line: Line) -> None:
    line.pipes["delay-out-eth0"] = []
    delay_rules.set_fault("delay-out-eth0", fault)
    line.lost = fault.lost
    assert delay_line.pipe("delay-out-eth0").fault == fault
    share = line.pipes["delay-out-eth0"][0]
    assert share == (str(round(fault.loss_pct * 10_000)) if fault.in_force else "0")
    assert len(delay_line.fault_note(fault)) < 128, "its room there"


def test_the_shape_is_the_same_under_a_fault(faults: Faults, line: Line) -> None:
    before = delay_line.pipe("delay-out-eth0").way
    faults.answer(BEGIN)
    assert delay_line.pipe("delay-out-eth0").way == before
    assert before.loss_pct == 0.5


def test_a_second_fault_of_a_link_is_refused_and_the_first_goes_on(
    faults: Faults, line: Line
) -> None:
    begun = faults.answer(replace(BEGIN, loss_pct=20.0, until=1_900_000_000.123456789))
    assert isinstance(begun, FaultInForce)
    assert begun.fault.until == 1_900_000_000.123457
    with pytest.raises(ShapingError, match=r"10\.9\.0\.2 is losing 20 % already, by hand"):
        faults.answer(replace(BEGIN, of="20261128T050000-3fa9c1"))
    assert present(line) == [begun.fault, begun.fault]


def test_what_does_not_take_hold_is_told(faults: Faults, line: Line) -> None:
    line.forgets = True
    with pytest.raises(ShapingError, match="but its delay line has None"):
        faults.answer(BEGIN)


def test_a_link_without_a_delay_line_has_none(line: Line) -> None:
    alone = Faults()
    assert alone.answer(EndFault(HOME)) == FaultOver(None)
    with pytest.raises(ShapingError, match="but its delay line has None"):
        alone.answer(BEGIN)


@pytest.mark.parametrize("kept", [False, True])
def test_faults_end_with_the_program_unless_they_are_to_stay(
    kept: bool, faults: Faults, line: Line
) -> None:
    faults.answer(BEGIN)
    if kept:
        assert faults.answer(KeepFaults()) == FaultsKept()
    faults.end_all()
    assert {fault.in_force for fault in present(line) if fault} == {kept}


def test_what_the_program_did_not_begin_it_leaves(faults: Faults, line: Line) -> None:
    faults.answer(BEGIN)
    other = Faults()
    other.end_all()
    assert {fault.in_force for fault in present(line) if fault} == {True}


def test_orders_and_answers_come_back_as_they_were_written() -> None:
    order = BeginFault(HOME, 12.5, "hand", 1_764_211_571.5)
    assert FAULTS.read_order(write(order)) == order
    event = FaultOver(LinkFault(12.5, 1.0, "hand", 2.0, 3.0, 4))
    assert FAULTS.read_event(write(event)) == event
