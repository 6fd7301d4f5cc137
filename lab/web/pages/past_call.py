"""One stored call, by its id, and its files."""

from __future__ import annotations

from nicegui import app, run
from starlette.responses import FileResponse, PlainTextResponse, Response

from lab.errors import LabError
from lab.web.call.files import AUDIO, call_file
from lab.web.hub import Hub
from lab.web.pages.call_view import Charts, show_call
from lab.web.pages.page import Page


def build(_hub: Hub, call_id: str) -> None:
    """Show it."""
    show_call(call_id, Charts())


@app.get("/calls/{call_id}/audio/{name:path}")
async def audio(call_id: str, name: str) -> Response:
    """A WAV file of a call, for the browser to play; 404 for anything else."""
    return await _answer(call_id, name, AUDIO, inline=True)


@app.get("/calls/{call_id}/files/{name:path}")
async def file(call_id: str, name: str) -> Response:
    """Any file of a call, to be kept; 404 for what its directory does not list."""
    return await _answer(call_id, name, "", inline=False)


async def _answer(call_id: str, name: str, suffix: str, *, inline: bool) -> Response:
    try:
        found = await run.io_bound(call_file, call_id, name, suffix)
    except LabError as error:
        return PlainTextResponse(f"{error.message}\n", 503)
    if found is None:
        return PlainTextResponse("There is no such file of a call.\n", 404)
    if inline:
        return FileResponse(found, media_type="audio/wav")
    return FileResponse(found, media_type="application/octet-stream", filename=found.name)


PAGE = Page("/calls/{name}", "Call", build, in_menu=False, below="/call")
