"""What images are asked is answered, or the reason is given: silence is not absence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from docker.errors import APIError, ImageNotFound
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ReadTimeout

from lab.engine import kernel
from lab.engine.components import versions_in_image
from lab.engine.short_run import printed_by
from lab.errors import LabError
from lab.events import Began, Happening
from lab.images import base_image
from lab.images.context import BASE_IMAGE
from lab.roles.pbx import FREESWITCH, KAMAILIO


@dataclass
class Engine:
    """Docker with one image, whose program prints `out` and `err` and ends with `status`."""

    out: bytes = b""
    err: bytes = b""
    status: int = 0
    image: str = "one"
    fails: Exception | None = None
    did: list[str] = field(default_factory=list)

    @property
    def images(self) -> Engine:
        return self

    @property
    def containers(self) -> Engine:
        return self

    def get(self, image: str) -> None:
        if image != self.image:
            raise ImageNotFound("no such image")

    def create(self, *_: Any, **options: Any) -> Engine:
        assert options["cap_drop"] == ["ALL"]
        assert options["network_mode"] == "none"
        return self

    def start(self) -> None:
        self.did.append("start")

    def wait(self, **_: Any) -> dict[str, int]:
        self.did.append("wait")
        if self.fails:
            raise self.fails
        return {"StatusCode": self.status}

    def logs(self, *, stdout: bool, stderr: bool) -> bytes:
        self.did.append("logs")
        assert stdout != stderr
        return self.out if stdout else self.err

    def remove(self, **_: Any) -> None:
        self.did.append("remove")


def asked(engine: Engine, image: str = "one") -> str | None:
    return printed_by(engine, image, ["program"])


def test_a_container_is_read_after_it_has_ended_and_then_removed() -> None:
    """An engine that follows a log loses a last line without a newline."""
    engine = Engine(b"5.6.3-2")
    assert asked(engine) == "5.6.3-2"
    assert engine.did == ["start", "wait", "logs", "logs", "remove"]


def test_only_an_image_that_is_not_there_is_absent() -> None:
    assert asked(Engine(b"1"), "another") is None
    with pytest.raises(LabError, match="program ended well, but printed nothing"):
        asked(Engine(b"\n"))


@pytest.mark.parametrize(
    ("engine", "sentence"),
    [
        (Engine(status=3, err=b"no such package"), "program ended with exit status 3"),
        (Engine(fails=ReadTimeout()), "program had not ended after 60 s"),
        (Engine(fails=RequestsConnectionError("reset")), "program was lost: reset"),
        (Engine(fails=APIError("x", explanation="no space")), "will not run program: no space"),
    ],
)
def test_a_cause_is_named_where_it_was_seen(engine: Engine, sentence: str) -> None:
    with pytest.raises(LabError, match=sentence):
        asked(engine)
    assert engine.did[-1] == "remove"


def test_a_version_is_told_with_or_without_a_newline() -> None:
    for printed in (b"kamailio 5.6.3-2", b"kamailio 5.6.3-2\n"):
        engine: Any = Engine(printed)
        assert versions_in_image(engine, KAMAILIO, "one") == {"kamailio": "5.6.3-2"}
    engine = Engine(b"FreeSWITCH version: 1.10.12-release~64bit (64bit)")
    told = versions_in_image(engine, FREESWITCH, "one")
    assert told == {"freeswitch": "1.10.12-release~64bit (64bit)"}
    with pytest.raises(LabError, match="freeswitch says 'command not known'"):
        versions_in_image(cast(Any, Engine(b"command not known")), FREESWITCH, "one")


def test_a_kernel_that_could_not_be_asked_is_not_one_without_an_image() -> None:
    engine: Any = Engine()
    with pytest.raises(LabError, match=r"the kernel could not be probed: .* printed nothing"):
        kernel.probe(engine, "one")
    assert kernel.probe(engine, "another") is None


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (ReadTimeout(), "nothing heard for 20 s"),
        (RequestsConnectionError("connection reset by peer"), "connection reset by peer"),
        (APIError("x", explanation="no space left on device"), "no space left on device"),
    ],
)
def test_why_a_base_image_was_not_pulled_is_what_was_seen(
    failure: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Registry:
        api: Any

        def pull(self, *_: Any, **__: Any) -> None:
            raise failure

        def close(self) -> None:
            pass

    registry = Registry()
    registry.api = registry
    monkeypatch.setattr("lab.engine.client.connect", lambda **_: registry)
    monkeypatch.setattr(base_image, "_bootstrap", lambda *_: None)
    told: list[Happening] = []
    engine: Any = Engine()
    base_image.obtain(engine, told.append)
    assert told[0] == Began(f"pulling {BASE_IMAGE}")
    assert sentence in str(told[1])
    assert ("nothing heard" in str(told[1])) == isinstance(failure, ReadTimeout)
