"""The host's load between two readings of /proc/stat."""

from lab.measure.host_load import cpu_times, load_between

#             user nice system idle iowait irq softirq steal guest guest_nice
BEFORE = "cpu 100 100 100 1000 0 0 0 0 50 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n"
AFTER = "cpu 130 150 110 1080 0 0 10 20 80 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n"


def test_shares_are_of_the_time_that_passed() -> None:
    load = load_between(cpu_times(BEFORE), cpu_times(AFTER))
    assert load is not None
    # 200 ticks: 30 user, 50 niced, 10 system, 10 softirq in use; 80 idle; 20 stolen.
    assert load.cpu_pct == 50
    assert load.steal_pct == 10


def test_guest_time_is_not_counted_twice() -> None:
    assert cpu_times(AFTER).total == 130 + 150 + 110 + 1080 + 10 + 20


def test_no_time_no_load() -> None:
    assert load_between(cpu_times(BEFORE), cpu_times(BEFORE)) is None
