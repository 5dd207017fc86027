"""Guard: stands before every page: who may look, what a browser may load, and no request from another site."""

import asyncio
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.access import Access, Refusal, basic_credentials, is_from_here
from console.attempts import COOKIE, COOKIE_S, Attempts
from console.metrics import ConsoleMetrics
from console.peer import peer_of
from console.viewer import Viewer
from runtime.forwarded import TrustedProxies
from runtime.logs import logger

log = logger("seven.console")

VIEWER = "seven_viewer"
"""The key of the viewer in the scope of a request."""
PROBE = "/livez"
"""Answers without a login that the process is alive."""
READS = ("GET", "HEAD", "OPTIONS")

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-robots-tag": "noindex, nofollow",
}

_REALM = {"www-authenticate": 'Basic realm="seven-ingest console", charset="UTF-8"'}
_NO_LOGIN = PlainTextResponse("Please log in: name and password of SEVEN_CONSOLE_AUTH.\n", 401, _REALM)
_WRONG_LOGIN = PlainTextResponse("Name or password is wrong.\n", 401, _REALM)
_NOT_LOCAL = PlainTextResponse(
    "The console has no passwords (SEVEN_CONSOLE_AUTH), so only this machine may look, at http://127.0.0.1 or "
    "http://localhost, and not through a proxy.\n",
    403,
)
_TOO_MANY = PlainTextResponse(
    "Too many wrong passwords came from your address. Please try again in a few seconds.\n", 429, {"retry-after": "2"}
)
_CROSS_SITE = PlainTextResponse("This form was sent by another site.\n", 403)
_ALIVE = PlainTextResponse("alive\n")
_HTTP_ONLY = {"type": "websocket.close", "code": 1008}


class Guard:
    """An ASGI application that admits requests to another, and adds headers to every answer."""

    def __init__(self, app: ASGIApp, access: Access, proxies: TrustedProxies, metrics: ConsoleMetrics) -> None:
        self._app, self._access, self._proxies, self._metrics = app, access, proxies, metrics
        self._attempts = Attempts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on with its viewer in the scope."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            with self._metrics.measured(scope) as answered:
                await self._admit(scope, receive, _with_headers(send, answered))
        else:
            await receive()
            await send(_HTTP_ONLY)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, peer = Headers(scope=scope), peer_of(scope)
        if scope["path"] == PROBE:
            is_open = bool(self._access.logins) or is_from_here(peer, headers)
            await (_ALIVE if is_open else _NOT_LOCAL)(scope, receive, send)
            return
        if scope["method"] not in READS and not is_same_site(headers):
            await _CROSS_SITE(scope, receive, send)
            return
        admitted = await self._viewer(peer, headers)
        if isinstance(admitted, PlainTextResponse):
            await admitted(scope, receive, send)
            return
        scope[VIEWER] = admitted
        await self._app(scope, receive, self._with_cookie(scope, headers, admitted, send))

    async def _viewer(self, peer: str, headers: Headers) -> Viewer | PlainTextResponse:
        """The viewer, or the answer to a request that may not look. A password is checked in its network's turn."""
        credentials = basic_credentials(headers)
        takes_turn = bool(self._access.logins) and credentials is not None
        if not takes_turn or self._access.reported(peer, headers):
            return _answered(self._access.identified(peer, headers))
        address = self._proxies.client_of(peer, headers.raw)
        if device := self._attempts.device(_cookie(headers), credentials or b""):
            address = device
        wait_s = self._attempts.wait_s(address)
        if wait_s is None:
            log.warning("wrong passwords slowed down")
            return _TOO_MANY
        await asyncio.sleep(wait_s)
        identified = self._access.identified(peer, headers)
        if isinstance(identified, Viewer):
            self._attempts.give_back(address)
        return _answered(identified)

    def _with_cookie(self, scope: Scope, headers: Headers, viewer: Viewer, send: Send) -> Send:
        """Give a browser that has logged in with a password its cookie, unless it has one."""
        credentials = basic_credentials(headers)
        if not self._access.logins or not credentials or self._attempts.device(_cookie(headers), credentials):
            return send
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        cookie = f"{COOKIE}={self._attempts.cookie(viewer.name)}; Path=/; Max-Age={COOKIE_S}; HttpOnly; SameSite=Strict"

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", cookie + secure)
            await send(message)

        return sending


def _answered(identified: Viewer | Refusal) -> Viewer | PlainTextResponse:
    match identified:
        case Refusal.NO_LOGIN:
            return _NO_LOGIN
        case Refusal.WRONG_LOGIN:
            return _WRONG_LOGIN
        case Refusal.NOT_LOCAL:
            return _NOT_LOCAL
    return identified


def _cookie(headers: Headers) -> str:
    return cookie_parser(headers.get("cookie", "")).get(COOKIE, "")


def is_same_site(headers: Headers) -> bool:
    """Whether a form was sent by a page of ours, or by a program that is no browser: a browser names the origin."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _with_headers(send: Send, answered: list[int]) -> Send:
    """Send with our headers; the status is noted."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return sending
