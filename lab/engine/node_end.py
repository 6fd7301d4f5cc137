"""The end of a node, told by the engine: nothing has to be asked meanwhile."""

from __future__ import annotations

import logging
import threading

from docker import DockerClient
from docker.errors import DockerException, NotFound
from requests.exceptions import RequestException

from lab.engine.discovery import RunningNode
from lab.engine.hosts import client_of

log = logging.getLogger(__name__)


class NodeEnd:
    """Listens for the end of one container until it comes, or this process ends."""

    def __init__(self, client: DockerClient, node: RunningNode) -> None:
        self._client = client_of(client, node.engine)
        self._container_id = node.container_id
        self._ended = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def has_come(self, patience_s: float = 0.0) -> bool:
        """Whether it has ended, or does so within `patience_s`."""
        return self._ended.wait(patience_s)

    def _listen(self) -> None:
        try:
            self._client.api.wait(self._container_id, timeout=None)
        except NotFound:
            log.debug("%s was gone already", self._container_id)
        except (DockerException, RequestException) as error:
            log.debug("%s is not listened for: %s", self._container_id, error)
            return
        self._ended.set()
