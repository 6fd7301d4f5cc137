"""The page's server: on 127.0.0.1 alone, behind its guard, until it is interrupted."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import closing

import uvicorn
from fastapi import FastAPI
from nicegui import ui
from nicegui.storage import Storage

from lab import storage
from lab.errors import LabError
from lab.web.guard import TOKEN, Guard
from lab.web.hub import Hub
from lab.web.pages import PAGES

ADDRESS = "127.0.0.1"
RECONNECT_S = 15.0
"""How long a viewer may be cut off, by a tunnel that stalls say, and lose nothing entered."""


def serve(hub: Hub, port: int, ready: Callable[[str], None], path: str = "/") -> None:
    """Serve the page until SIGINT or SIGTERM; `ready` is told its address, token included.

    Port 0 is any that is free, and `path` is where the address leads. Where the page is there for
    one demonstration it also ends when a viewer is done with that, and one under way ends with the
    page in any case. LabError where the port cannot be had.
    """
    # The page keeps nothing in files, but NiceGUI would where the command was started.
    Storage.path = storage.home() / "web"
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for page in PAGES:
        page.register(hub, PAGES)
    ui.run_with(
        app,
        title="Voice over Tor lab",
        language="en-GB",
        dark=None,
        show_welcome_message=False,
        reconnect_timeout=RECONNECT_S,
    )
    token = secrets.token_urlsafe(24)
    with closing(_listening(port)) as listening:
        ready(f"http://{ADDRESS}:{listening.getsockname()[1]}{path}?{TOKEN}={token}")
        config = uvicorn.Config(
            Guard(app, token), log_level="warning", access_log=False, server_header=False
        )
        server = uvicorn.Server(config)
        if hub.demonstrating.done is not None:
            threading.Thread(
                target=_end, args=(server, hub.demonstrating.done), daemon=True
            ).start()
        hub.start()
        try:
            server.run(sockets=[listening])
        finally:
            hub.stop()
            hub.demonstrating.end()


def _end(server: uvicorn.Server, done: threading.Event) -> None:
    done.wait()
    server.should_exit = True


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((ADDRESS, port))
    except OSError as error:
        raise LabError(
            f"port {port} of {ADDRESS} cannot be had: {error.strerror}",
            "Leave --port out, and any that is free is taken.",
        ) from error
