"""Who may see the page: the token, the host and the origin, for pages and for web sockets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from lab.web.guard import Guard

TOKEN = "a-token-of-this-test"
HERE = "http://127.0.0.1:8123"
SOCKET = "ws://127.0.0.1:8123/socket"


def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"the page {request.url.query}")


async def socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("the socket")
    await socket.close()


@pytest.fixture
def browser() -> Iterator[TestClient]:
    behind = Starlette(routes=[Route("/page", page), WebSocketRoute("/socket", socket)])
    with TestClient(Guard(behind, TOKEN), base_url=HERE, follow_redirects=False) as client:
        yield client


def test_the_address_that_was_printed_opens_it_and_leaves_no_token_in_it(
    browser: TestClient,
) -> None:
    first = browser.get(f"/page?call=7&token={TOKEN}&to=b")
    assert first.status_code == 200
    assert 'content="0; url=/page?call=7&amp;to=b"' in first.text
    assert TOKEN not in first.text
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    second = browser.get("/page?call=7")
    assert second.status_code == 200
    assert second.text == "the page call=7"
    policy = second.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert second.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["//evil.example/", '/page"><script>', '/page?a="><script>&b=1'])
def test_the_address_leads_to_no_other_site_and_is_no_html(browser: TestClient, path: str) -> None:
    onwards = browser.get(f"{HERE}{path}{'&' if '?' in path else '?'}token={TOKEN}").text
    assert "script" not in onwards.replace("%3Cscript%3E", "")
    assert "url=//" not in onwards
    assert 'href="//' not in onwards


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", f"?token={TOKEN}x", "?token=ü"])
def test_without_the_token_nothing_is_shown(browser: TestClient, query: str) -> None:
    answer = browser.get(f"/page{query}")
    assert answer.status_code == 403
    assert "token" in answer.text
    assert "the page" not in answer.text.replace("The address of this page", "")
    assert "set-cookie" not in answer.headers


def test_a_cookie_of_another_page_is_no_token(browser: TestClient) -> None:
    browser.cookies.set("lab-of-another", TOKEN)
    assert browser.get("/page").status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8123", "127.0.0.1.evil.example:8123", "[::1]:8123", ""]
)
def test_a_name_that_points_here_is_refused(browser: TestClient, host: str) -> None:
    answer = browser.get(f"/page?token={TOKEN}", headers={"host": host})
    assert answer.status_code == 403
    assert "127.0.0.1 only" in answer.text


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1:9000", "localhost", "127.0.0.1"])
def test_the_near_end_of_a_tunnel_has_any_port(browser: TestClient, host: str) -> None:
    asked = {"host": host, "origin": f"http://{host}"}
    assert browser.get(f"/page?token={TOKEN}", headers=asked).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "https://127.0.0.1:8123", "http://127.0.0.1:8124", ""],
)
def test_no_other_origin_may_use_it(browser: TestClient, origin: str) -> None:
    browser.get(f"/page?token={TOKEN}")
    answer = browser.get("/page", headers={"origin": origin})
    assert answer.status_code == 403
    assert "may not use this one" in answer.text
    assert browser.get("/page", headers={"origin": HERE}).status_code == 200


def test_a_web_socket_takes_the_same(browser: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), browser.websocket_connect(SOCKET):
        pass
    browser.get(f"/page?token={TOKEN}")
    with browser.websocket_connect(SOCKET, headers={"origin": HERE}) as opened:
        assert opened.receive_text() == "the socket"
    for wrong in ({"origin": "http://evil.example"}, {"host": "evil.example"}):
        with (
            pytest.raises(WebSocketDisconnect),
            browser.websocket_connect(SOCKET, headers=wrong),
        ):
            pass
