"""Requests to the gateway's API, and what its answers mean: it checks the body, never the status code alone.

The gateway answers 200 with `"900"` or `900` for a wrong key, and `{"success": false, …}` for a bad URL; it sometimes
writes booleans as text. Sources: the vendor's webhooks page, recorded answers, and what its own clients accept.
"""

import json
import re
import secrets
import string
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import httpx2

from gateway.bounded_body import read_body
from runtime.network_errors import network_reason
from seven.signing import signature_headers

READ_ATTEMPTS = 3
PAUSE_S = 0.5
"""Pause between two attempts to read."""
_NONCE = string.ascii_letters + string.digits

CODES: dict[str, tuple[str, str]] = {
    "403": ("too many requests", "Wait; fewer requests help (SEVEN_HOOKS_S, SEVEN_JOURNAL_RATE)."),
    "500": ("no credit", "Top up the account."),
    "600": ("the gateway failed", "Try again later; if the error persists, ask the gateway's support."),
    "700": ("an unknown error of the gateway", "Try again later; if the error persists, ask the gateway's support."),
    "900": ("the API key is wrong", "Compare SEVEN_API_KEY with the account's developer settings."),
    "901": ("the signature is wrong", "Compare SEVEN_SIGNING_KEY with the account's API settings, and this clock."),
    "902": ("the API key may not do this, or the API is disabled", "Give the key that right in the account."),
    "903": ("this address may not use the API", "Add this machine's address to the key's allowed addresses."),
}
"""The meaning of each error code that the gateway answers with, and the remedy."""

ERROR_DIGITS = 3
"""Digits of each error code."""

Answer = TypeVar("Answer")


class GatewayFailure(Exception):  # noqa: N818 - the subclasses say whose failure it is
    """The request failed; the failure says nothing about what exists at the gateway."""


class GatewayAway(GatewayFailure):
    """The gateway did not answer, or answered that it is temporarily unable to."""


class GatewayRefused(GatewayFailure):
    """The gateway refused. `code` is the gateway's own error code, or None where it sent only a text."""

    def __init__(self, code: str | None, text: str) -> None:
        super().__init__(text)
        self.code = code


class GatewayUnexpected(GatewayFailure):
    """The gateway answered in an undocumented form."""


class Api:
    """The API of one account, over a connection that is kept alive.

    Every call may raise GatewayFailure; its text contains no key, token or URL.
    """

    def __init__(self, api_url: str, api_key: str, signing_key: str | None = None, timeout_s: float = 10.0) -> None:
        self._url = api_url.rstrip("/")
        self._key, self._signing_key = api_key, signing_key
        self._client = httpx2.Client(timeout=timeout_s, follow_redirects=False, headers={"Accept": "application/json"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._client.close()

    def get(self, resource: str, parameters: Mapping[str, str], *, bare: bool = False) -> Any:
        """The decoded body of a resource such as `hooks`; an object or list that reports no error.

        With `bare` it may also be a text or a number alone, as a balance is; three digits alone are an error code.
        """
        query = urlencode(parameters)
        return self._request("GET", f"{self._url}/{resource}{'?' if query else ''}{query}", b"", bare=bare)

    def post(self, resource: str, parameters: Mapping[str, str]) -> Any:
        """The decoded body of the answer to a form. Never retried: it may have been carried out without an answer."""
        return self._request("POST", f"{self._url}/{resource}", urlencode(parameters).encode())

    def _request(self, method: str, url: str, body: bytes, *, bare: bool = False) -> Any:
        headers = {"X-Api-Key": self._key}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if self._signing_key:
            nonce = "".join(secrets.choice(_NONCE) for _ in range(32))
            at = str(int(time.time()))
            headers |= signature_headers(
                self._signing_key, timestamp=at, nonce=nonce, method=method, url=url, body=body
            )
        try:
            with self._client.stream(method, url, content=body or None, headers=headers) as answer:
                content = read_body(answer)
        except httpx2.HTTPError as error:
            raise GatewayAway(f"the gateway does not answer ({network_reason(error)})") from None
        return _checked(answer.status_code, content, bare=bare)


def retried(read: Callable[[], Answer]) -> Answer:
    """The result of a read, repeated while the gateway does not answer: reading changes nothing."""
    for _ in range(READ_ATTEMPTS - 1):
        try:
            return read()
        except GatewayAway:
            time.sleep(PAUSE_S)
    return read()


def _checked(status: int, content: bytes, *, bare: bool) -> Any:
    """The body of an answer that reports no error, in the forms of `Api.get`. Raises GatewayFailure for any other."""
    if status >= 500 or status == 429:
        raise GatewayAway(f"the gateway cannot answer now (HTTP {status})")
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    code = _error_code(body)
    if bare and not isinstance(body, dict) and code is not None and len(code) != ERROR_DIGITS:
        code = None
    if code is None and status in (401, 403):
        code = {401: "900", 403: "902"}[status]
    if code is not None:
        meaning, remedy = CODES.get(code, ("an unknown error code", "The gateway's documentation lists all codes."))
        raise GatewayRefused(code, f"{code}: {meaning}. {remedy}")
    forms = (dict, list, str, int, float) if bare else (dict, list)
    if status != 200 or isinstance(body, bool) or not isinstance(body, forms):
        raise GatewayUnexpected(f"the gateway's answer cannot be read (HTTP {status})")
    if isinstance(body, dict) and "success" in body and not is_success(body):
        raise refusal(body)
    return body


def refusal(body: Mapping[str, Any]) -> GatewayRefused:
    """The failure that an answer without success reports, in the gateway's own words."""
    text = body.get("error_message") or body.get("error")
    return GatewayRefused(None, f"the gateway refused: {_worded(text)}")


def is_success(body: Mapping[str, Any]) -> bool:
    """Whether an answer reports success, however it writes a boolean."""
    return str(body.get("success")).lower() in ("true", "1")


def _worded(text: object) -> str:
    return _without_urls(text)[:200] if isinstance(text, str) else "without a reason"


def _without_urls(text: str) -> str:
    r"""The text without its URLs, in time linear in its length, as `\S*://\S*` is not."""
    return re.sub(r"\S+", lambda word: "…" if "://" in word[0] else word[0], text)


def _error_code(body: object) -> str | None:
    """The error code that is the whole body, or that stands beside `success: false` in it."""
    code = body.get("code") if isinstance(body, dict) and not is_success(body) else body
    if isinstance(code, bool) or not isinstance(code, (int, str)):
        return None
    return str(code).strip() if str(code).strip().isdecimal() else None
