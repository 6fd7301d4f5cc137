"""A program running inside a node, spoken to in untyped JSON lines.

The agent ends by itself when its standard input ends, so nothing is left behind in a node
however this process goes.
"""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import threading
from types import TracebackType
from typing import IO, Any, Self

from lab.engine.agent import LAST_LINES, AgentEndedError, AgentError, AgentSilentError

log = logging.getLogger(__name__)


class PlainAgent:
    """One agent: `send` an order, `receive` its answers and events in their order."""

    def __init__(self, name: str, command: list[str]) -> None:
        """Start `command` (usually a `docker exec -i`); `name` stands in error messages."""
        self.name = name
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._errors: list[str] = []
        assert self._process.stdout and self._process.stderr
        self._readers = [
            threading.Thread(target=self._read_answers, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._read_errors, args=(self._process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def send(self, order: dict[str, Any]) -> None:
        """Hand the agent one order; AgentEndedError where it has ended."""
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._ended() from error

    def receive(self, timeout_s: float) -> dict[str, Any]:
        """The agent's next answer or event.

        AgentSilentError when none came in `timeout_s`, AgentEndedError when none can.
        """
        try:
            answer = self._answers.get(timeout=timeout_s)
        except queue.Empty:
            raise AgentSilentError(
                f"{self.name} said nothing for {timeout_s:.0f} s{self._last_words()}"
            ) from None
        if answer is None:
            self._answers.put(None)
            raise self._ended()
        return answer

    def ask(self, order: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send one order and wait for its answer; AgentError where that is an error."""
        self.send(order)
        answer = self.receive(timeout_s)
        if "error" in answer:
            raise AgentError(f"{self.name}: {answer['error']}")
        return answer

    def end(self) -> None:
        """End the agent's input, and with it soon the agent; `close` waits for that."""
        assert self._process.stdin
        try:
            self._process.stdin.close()
        except OSError:
            log.debug("%s had closed its input", self.name)

    def close(self, timeout_s: float = 5) -> None:
        """End the agent by ending its input; kill it where it does not follow."""
        self.end()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            log.warning("%s did not end within %.0f s of its input; killed", self.name, timeout_s)
            self._process.kill()
            self._process.wait()
        self._read_out()

    @property
    def log_text(self) -> str:
        """All that the agent wrote to its standard error so far."""
        return "\n".join(self._errors)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _read_answers(self, stream: IO[str]) -> None:
        for line in stream:
            try:
                answer = json.loads(line)
            except ValueError:
                answer = None
            if isinstance(answer, dict):
                self._answers.put(answer)
            else:
                self._errors.append(line.rstrip("\n"))
        self._answers.put(None)

    def _read_errors(self, stream: IO[str]) -> None:
        for line in stream:
            self._errors.append(line.rstrip("\n"))

    def _read_out(self) -> None:
        """Read what an agent that has ended had still to say."""
        for reader in self._readers:
            reader.join(timeout=1)

    def _ended(self) -> AgentEndedError:
        self._read_out()
        return AgentEndedError(f"{self.name} has ended{self._last_words()}")

    def _last_words(self) -> str:
        code = self._process.poll()
        state = "" if code is None else f" with exit status {code}"
        lines = [line for line in self._errors if line.strip()][-LAST_LINES:]
        return state + ("; its last lines:\n  " + "\n  ".join(lines) if lines else "")
