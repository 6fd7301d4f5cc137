"""Who may see the page: a browser on this host that has the token, and no other origin."""

from __future__ import annotations

import hashlib
import hmac
import logging
from html import escape
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode

from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

HOSTS = frozenset({"127.0.0.1", "localhost"})
"""What the page is called here, and at the near end of an SSH tunnel, whatever the port: a name
that somebody else has pointed at this host is none of these."""
TOKEN = "token"  # noqa: S105
"""The key of the token in the address."""
LEFT = "No response returned."
POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
"""Nothing is loaded from elsewhere, and nothing is sent there."""
ONWARDS = (
    '<!doctype html><html lang="en-GB"><meta charset="utf-8"><title>Voice over Tor lab</title>'
    '<meta name="color-scheme" content="light dark">'
    '<meta http-equiv="refresh" content="0; url={where}"><a href="{where}">To the page</a></html>'
)
"""Leads to the page without the token, once the browser has it in a cookie. No redirect: that would
count as the doing of the site where the address was clicked, a chat say, and bring no cookie."""
HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}


class Guard:
    """Lets through, to the application behind it, only what has the token and the right origin."""

    def __init__(self, behind: ASGIApp, token: str) -> None:
        self._behind = behind
        self._token = token
        self._cookie = f"lab-{hashlib.sha256(token.encode()).hexdigest()[:12]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it in a sentence."""
        if scope["type"] == "lifespan":
            await self._behind(scope, receive, send)
            return
        answer = self._refusal(scope)
        if answer is None:
            await self._let_through(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
        else:
            await answer(scope, receive, send)

    async def _let_through(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._behind(scope, receive, _with_headers(send))
        except RuntimeError as error:
            # Starlette's word for a browser that has left before it was answered.
            if str(error) != LEFT:
                raise
            log.debug("a browser left: %s", scope.get("path"))

    def _refusal(self, scope: Scope) -> Response | None:
        """What to answer instead of the page; None where it may be seen."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        host = headers.get("host", "")
        if host.rpartition(":")[0] not in HOSTS and host not in HOSTS:
            return _refused(f"This page is not called {host!r}: it answers to 127.0.0.1 only.")
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return _refused(f"A page of {origin!r} may not use this one.")
        if self._is_token(self._in_cookie(headers)):
            return None
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        if self._is_token(asked.get(TOKEN, [""])[0]):
            return self._welcome(scope)
        return _refused("The address of this page ends with a token; `lab web` printed it.")

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())

    def _in_cookie(self, headers: dict[str, str]) -> str:
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return ""
        return cookies[self._cookie].value if self._cookie in cookies else ""

    def _welcome(self, scope: Scope) -> Response | None:
        """Puts the token where an address that is copied does not carry it."""
        if scope["type"] == "websocket":
            return None
        asked = parse_qsl(scope["query_string"].decode("latin-1"))
        rest = urlencode([pair for pair in asked if pair[0] != TOKEN])
        where = quote("/" + scope["path"].lstrip("/")) + (f"?{rest}" if rest else "")
        answer = HTMLResponse(ONWARDS.format(where=escape(where)), headers=dict(_PLAIN))
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
        return answer


_PLAIN = {name.decode(): value.decode() for name, value in HEADERS.items()}


def _refused(why: str) -> Response:
    return PlainTextResponse(f"{why}\n", 403, dict(_PLAIN))


def _with_headers(send: Send) -> Send:
    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            own: list[Any] = list(message.get("headers", ()))
            message["headers"] = [*own, *HEADERS.items()]
        await send(message)

    return send_with
