"""The Docker engine stopped and started again while a lab comes up, in a call, and in a sweep.

    python tests/bench/engine_restarts.py --stop 'systemctl stop docker' \
        --start 'systemctl start docker' [--topology small]

Everything that runs on that engine ends: take one of your own (`DOCKER_HOST`). Of each the exit
status and what a user reads are printed, and whether what is to follow works: `lab up` mends the
lab, the sweep is resumed and no call that was stored is made again, `lab down` leaves nothing. Exit
status 1 where any of that fails, or a traceback was seen.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.engine.client import connect
from lab.errors import LabError
from lab.render import labels
from lab.store.database import open_store

LAB = str(Path(sys.executable).with_name("lab"))
NAME = "restarts"
EXPERIMENT = """\
name: restarts
topology: {topology}
seed: 1
calls: 3
grid: {{method: [sip], duration: [8s]}}
"""
WAIT_S = 300.0
INTO_CALL_S = 6.0
"""From the first trace of a call to its voice, about."""


@dataclass(frozen=True, slots=True)
class Engine:
    """How it is stopped and started."""

    stop: Sequence[str]
    start: Sequence[str]

    def restart(self) -> None:
        """Both; returns when it answers."""
        subprocess.run(self.stop, check=True)
        subprocess.Popen(self.start, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("the engine", _answers)


def main() -> None:
    """Three restarts, and what follows each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--stop", type=shlex.split, required=True)
    parser.add_argument("--start", type=shlex.split, required=True)
    parser.add_argument("--topology", default="small")
    options = parser.parse_args()
    engine = Engine(options.stop, options.start)
    up = ("up", options.topology, "--name", NAME)
    bad = restarted(engine, up, lambda: _containers() >= 4)
    bad |= followed(*up)
    bad |= restarted(engine, ("call", "sip", "--name", NAME, "--duration", "8s"), _in_call)
    bad |= followed(*up)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "restarts.yaml"
        file.write_text(EXPERIMENT.format(topology=options.topology))
        bad |= restarted(engine, ("experiment", "run", str(file), "--name", NAME), _second_call)
    before = _stored()
    bad |= followed("experiment", "resume", "last")
    after = _stored()
    lost = before - after
    print(f"calls stored before and after: {len(before)}, {len(after)}; lost: {len(lost)}")
    bad |= followed("down", NAME)
    print(f"containers left: {_containers()}")
    sys.exit(bad or bool(lost) or _containers() > 0)


def restarted(engine: Engine, words: Sequence[str], moment: Callable[[], bool]) -> bool:
    """Run a command, restart the engine at its moment; whether what a user reads is no sentence."""
    command = [LAB, *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=pipe, text=True) as process:
        wait_for(f"the moment of `lab {words[0]}`", moment)
        engine.restart()
        _, told = process.communicate(timeout=WAIT_S)
    said = [line for line in told.splitlines() if line.startswith("lab: ")]
    print(f"engine restarted in `lab {words[0]}`: exit status {process.returncode}")
    print("\n".join(f"  {line}" for line in said))
    return len(said) != 1 or "Traceback" in told or process.returncode != 1


def followed(*words: str) -> bool:
    """Run a command that must work; whether it does not."""
    done = subprocess.run([LAB, *words], capture_output=True, text=True, check=False)
    print(f"then `lab {words[0]}`: exit status {done.returncode}")
    if done.returncode:
        print(done.stderr)
    return done.returncode != 0


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    """Until it holds; an error that names it where it does not come."""
    end = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"{what} did not come within {WAIT_S:.0f} s")
        time.sleep(0.2)


def _answers() -> bool:
    try:
        connect(timeout_s=5)
    except LabError:
        return False
    return True


def _containers() -> int:
    wanted = {"label": f"{labels.LAB}={NAME}"}
    return len(connect().api.containers(all=True, quiet=True, filters=wanted))


def _probes() -> int:
    """Short-lived helpers of the lab that run now: they come with a call's captures."""
    running = connect().api.containers(filters={"label": f"{labels.LAB}={NAME}"})
    return sum(
        labels.NODE not in each["Labels"] and labels.DELAY_LINE not in each["Labels"]
        for each in running
    )


def _in_call() -> bool:
    if not _probes():
        return False
    time.sleep(INTO_CALL_S)
    return True


def _second_call() -> bool:
    return len(_stored()) >= 1 and _in_call()


def _stored() -> set[str]:
    with open_store() as store:
        runs = [run.run_id for run in store.runs() if run.experiment == "restarts"]
        return {call.call_id for call in store.calls(runs[-1])} if runs else set()


if __name__ == "__main__":
    main()
