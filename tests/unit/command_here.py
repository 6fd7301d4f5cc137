"""The command line in this process: what a user sees of it, without the start of another Python."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

from lab.cli import main

NOWHERE = "unix:///nowhere/docker.sock"


def lab(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`lab words…` to its end, where no Docker answers and nobody sits at a terminal."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        patch.setattr(sys, "argv", ["lab", *words])
        patch.setattr(sys, "stdin", io.StringIO())
        for name, value in {"DOCKER_HOST": NOWHERE, **environment}.items():
            patch.setenv(name, value)
        main()
    status = ended.value.code
    assert isinstance(status, int)
    for file in (out, err):
        file.seek(0)
    return subprocess.CompletedProcess(words, status, out.read(), err.read())
