"""What is said to a delay line, and how its answer is read."""

from __future__ import annotations

from ipaddress import IPv4Network

import numpy as np
import pytest

from lab.agents.net import delay_line, delay_rules, interfaces, shaping
from lab.engine.doctor import State, delays_finding
from lab.wire.kernel import KernelAbilities
from lab.wire.shape import Direction, Distribution, Shape, ShapingError, Way

JITTER_US = 5000


@pytest.mark.parametrize("distribution", list(Distribution))
def test_every_distribution_has_the_jitter_for_its_standard_deviation(
    distribution: Distribution,
) -> None:
    """A thousand equally likely values cut a little off a heavy tail."""
    values = np.array(delay_rules.offsets_us(distribution, JITTER_US))
    within = 0.15 if distribution is Distribution.PARETO else 0.01
    assert values.std() == pytest.approx(JITTER_US, rel=within)
    if distribution is Distribution.PARETO:
        assert values.min() >= 0
    else:
        assert abs(values.mean()) < JITTER_US / 100


def test_rules_and_what_is_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shape goes out as rules; the rules that the line tells are the same shape."""
    shape = Shape(
        delay_ms=40,
        jitter_ms=5,
        distribution=Distribution.UNIFORM,
        loss_pct=0.5,
        ways=(Way(IPv4Network("10.0.0.7/32"), 104.75), Way(IPv4Network("10.0.1.0/24"), 2.5)),
    )
    asked: list[str] = []

    def answer(request: str) -> str:
        asked.append(request)
        if request != "show":
            return "done\n"
        rules = [line.split() for line in asked[0].splitlines() if line.startswith("rule")]
        told = "\n".join(
            f"rule {to} {delay} {loss} {ordered} {note} jitters 1000 packets 0 met 0"
            for _, to, delay, loss, ordered, _, note in reversed(rules)
        )
        head = "pipe delay-out-eth0 sent 7 lost 1 refused 0 waiting 2 took_sum_us 9 took_max_us 5"
        return f"{head} late_max_us 44\nlate 10 0:6 4:1\n{told}\n"

    monkeypatch.setattr(delay_line, "ask", answer)
    monkeypatch.setattr(delay_rules, "ask", answer)
    delay_rules.set_way("delay-out-eth0", shape)
    assert asked[0].splitlines()[0] == "set delay-out-eth0"
    assert asked[0].splitlines()[1].startswith("rule 0.0.0.0/0 40000 5000 1 ")
    found = delay_line.pipes()["delay-out-eth0"]
    assert set(found.way.ways) == set(shape.ways)
    assert (found.way.delay_ms, found.way.jitter_ms, found.way.loss_pct) == (40, 5, 0.5)
    assert found.way.distribution is Distribution.UNIFORM
    assert (found.counts.sent, found.counts.lost, found.counts.on_the_way) == (7, 1, 2)
    assert found.counts.late == {"0": 6, "4": 1}


def test_a_profile_goes_with_every_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost packets are dashes."""
    asked: list[str] = []

    def done(request: str) -> str:
        asked.append(request)
        return "done\n"

    monkeypatch.setattr(delay_rules, "ask", done)
    profile = delay_rules.Profile((0, 20_000), (99_000, None))
    delay_rules.set_way("delay-out-eth0", Shape(delay_ms=99), profile)
    assert asked[0].splitlines()[-1] == "profile 0 99000 20000 -"


def test_no_line_and_a_refusal_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what is not there, and by the line's own words."""
    with pytest.raises(delay_line.NoDelayLineError, match="no delay line answers"):
        delay_line.await_line(0)
    monkeypatch.setattr(delay_rules, "ask", lambda _: "error there is no such pipe\n")
    with pytest.raises(ShapingError, match="the delay line refuses: there is no such pipe"):
        delay_rules.set_way("x", Shape(delay_ms=1))


def test_a_host_without_tap_devices_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise OSError(19, "No such device")

    monkeypatch.setattr(interfaces, "add_tun", refuses)
    with pytest.raises(ShapingError, match=r"no TAP device can be made.*`modprobe tun` on the"):
        shaping._add_tap(2, "delay-out-eth0", Direction.OUT)


def test_doctor_tells_whether_links_can_take_time() -> None:
    able = KernelAbilities({"clsact": True}, {}, ("cubic",), "cubic")
    assert delays_finding(able, tun=True).state is State.OK
    unable = delays_finding(KernelAbilities({"clsact": False}, {}, (), ""), tun=False)
    assert unable.state is State.NOTE
    assert "without clsact (`modprobe sch_ingress`) and /dev/net/tun" in unable.detail
