"""The connection to the Docker engine."""

from __future__ import annotations

from docker import DockerClient
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException, Timeout
from urllib3.exceptions import ReadTimeoutError

from lab.engine.context import DEFAULT, Endpoint, endpoint
from lab.errors import LabError


def connect(timeout_s: float = 120) -> DockerClient:
    """Connect to the engine that `docker` uses here; LabError where none answers.

    `timeout_s` is how long it may say nothing.
    """
    engine = endpoint()
    which = "" if engine.context == DEFAULT else f" of the context {engine.context!r}"
    return open_engine(
        engine,
        f"the Docker engine{which}",
        "Start it (`systemctl start docker`, or `dockerd`) and check that this user "
        "may use it (`docker info`).",
        timeout_s,
    )


def open_engine(engine: Endpoint, called: str, hint: str, timeout_s: float) -> DockerClient:
    """Connect to an engine; LabError where it does not answer, which it is `called` in."""
    try:
        client = DockerClient(timeout=timeout_s, **engine.options())
        client.ping()
    except (DockerException, RequestException, OSError) as error:
        raise LabError(f"{called} does not answer: {_reason(error)}", hint) from error
    return client


def trouble(error: Exception) -> str | None:
    """What the engine did instead of what was asked of it; None for an error of somebody else."""
    if isinstance(error, APIError):
        return f"the Docker engine answered with an error: {error.explanation or error}"
    if isinstance(error, RequestException):
        if went_silent(error):
            return "the Docker engine said nothing in time"
        return f"the connection to the Docker engine broke: {_reason(error)}"
    if isinstance(error, DockerException):
        return f"the Docker engine could not be asked: {error}"
    return None


def went_silent(error: BaseException) -> bool:
    """Whether a request failed because nothing was heard in time, and for no other reason.

    A wait or a stream that falls silent ends as a ConnectionError around urllib3's own timeout.
    """
    return isinstance(error, Timeout) or isinstance(next(iter(error.args), None), ReadTimeoutError)


def _reason(error: Exception) -> str:
    text = str(error)
    if "FileNotFoundError" in text:
        return "its socket is not there"
    if "PermissionError" in text or "Permission denied" in text:
        return "this user may not open its socket"
    if "Connection refused" in text or "ConnectionRefusedError" in text:
        return "nothing listens on its socket"
    return text.splitlines()[0] if text else type(error).__name__
