"""What dask does for a run: carry tasks to hosts, and answers back."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future as Awaited
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from distributed import Client, Future

from lab.cluster import tasks
from lab.cluster.travel import Delivery, Run
from lab.errors import LabError

ASK_EVERY_S = 0.05
RESUME = (
    "Start it again, then `lab experiment resume last`: finished calls are kept on their hosts."
)
Told = Callable[[Any], None]


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """A task that was sent to a host."""

    address: str
    future: Future[Any]
    answer: Awaited[Any]
    """Ends with what the host returns; cancelled where it is gone."""


class Post:
    """The client of a scheduler, for one run; to be used by one thread."""

    def __init__(self, client: Client, run: Run, told: Told) -> None:
        """`told` hears what hosts tell of the run's calls, on a thread of dask's."""
        self._client, self._run = client, run
        self._unanswered: list[Letter] = []
        self._sent = 0
        client.subscribe_topic(
            tasks.topic(run.run_id),
            lambda event: told(pickle.loads(event[1])),  # noqa: S301 - from hosts, which run our code
        )

    def workers(self) -> Mapping[str, Mapping[str, Any]]:
        """The lab's workers of the cluster by address; LabError where nobody can tell."""
        try:
            scheduler = self._client.scheduler
            if scheduler is None or self._client.status != "running":
                raise OSError(f"the connection is {self._client.status}")
            # Not `scheduler_info()`: what that returns is overwritten now and then by an answer
            # without workers, to a question of the client's own.
            known = self._client.sync(scheduler.identity, n_workers=-1)
        except (OSError, TimeoutError) as error:
            raise LabError(f"the scheduler does not answer any more: {error}", RESUME) from error
        found = known["workers"].items()
        return {address: each for address, each in found if each["resources"].get(tasks.RESOURCE)}

    def send(
        self,
        address: str,
        task: Callable[..., Any],
        *words: object,
        shown: str | None = None,
        takes_lab: bool = False,
    ) -> Letter:
        """Have a host do something; `shown` is its group on dask's dashboard."""
        self._sent += 1
        future = self._client.submit(
            task,
            *words,
            key=(shown or task.__name__, self._sent, self._run.run_id, self._run.mark),
            workers=[address],
            resources={tasks.RESOURCE: 1} if takes_lab else None,
            pure=False,
        )
        return Letter(address, future, _awaited(future))

    def tell(self, address: str, task: Callable[..., Any], *words: object) -> None:
        """Have a host do something soon; `close` waits for it."""
        self._unanswered = [each for each in self._unanswered if not each.answer.done()]
        if self._client.status == "running":
            self._unanswered.append(self.send(address, task, *words))

    def ask(self, address: str, task: Callable[..., Any], *words: object) -> Any:
        """What a host answers; None where it is gone."""
        asked = self.send(address, task, *words)
        self._await([asked])
        return asked.answer.result() if _is_answered(asked) else None

    def take_back(self, letters: Iterable[Letter]) -> None:
        """Have nobody do any more what was sent, as far as that has not begun."""
        if self._client.status == "running":
            self._client.cancel([each.future for each in letters], force=True)

    def close(self) -> None:
        """Wait until what was told is done, as long as its hosts are there."""
        with suppress(LabError):
            self._await(self._unanswered)

    def _await(self, letters: Iterable[Letter]) -> None:
        for each in letters:
            while not each.answer.done():
                if each.address not in self.workers():
                    self.take_back([each])
                    break
                time.sleep(ASK_EVERY_S)


def _awaited(future: Future[Any]) -> Awaited[Any]:
    """What `future` comes to: awaited on a thread, as of a host that dies it may never come."""
    answer: Awaited[Any] = Awaited()

    def wait() -> None:
        try:
            answer.set_result(future.result())
        except BaseException as error:  # Also that it was cancelled.
            answer.set_exception(error)

    threading.Thread(target=wait, daemon=True).start()
    return answer


def delivered(letter: Letter) -> Delivery | None:
    """What came back of a call; None where it is to be made again, as its host is gone."""
    try:
        found = letter.answer.result()
    except Exception as error:  # Whatever dask says, or a task that breaks.
        if letter.future.status == "error":
            return Delivery(None, trouble=(f"{type(error).__name__}: {error}", ""))
        return None
    assert isinstance(found, Delivery)
    return found


def _is_answered(letter: Letter) -> bool:
    return letter.answer.done() and letter.answer.exception() is None
