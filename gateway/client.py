"""Client of the gateway's hooks API: read, subscribe, unsubscribe. It checks the body, never the status code alone.

The gateway answers 200 with `"900"` or `900` for a wrong key, and `{"success": false, …}` for a bad URL; it sometimes
writes booleans as text. Sources: the vendor's webhooks page, a recorded answer, and what its own clients accept.
"""

import json
import re
import secrets
import string
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import httpx2

from runtime.failures import reason
from seven.hooks import Hook
from seven.signing import signature_headers

READ_ATTEMPTS = 3
_NONCE = string.ascii_letters + string.digits

CODES: dict[str, tuple[str, str]] = {
    "403": ("too many requests", "Wait; reconciling less often helps (SEVEN_HOOKS_S)."),
    "500": ("no credit", "Top up the account."),
    "600": ("the gateway failed", "Try again later; if the error persists, ask the gateway's support."),
    "700": ("an unknown error of the gateway", "Try again later; if the error persists, ask the gateway's support."),
    "900": ("the API key is wrong", "Compare SEVEN_API_KEY with the account's developer settings."),
    "901": ("the signature is wrong", "Compare SEVEN_SIGNING_KEY with the account's API settings, and this clock."),
    "902": ("the API key may not manage webhooks, or the API is disabled", "Give the key that right in the account."),
    "903": ("this address may not use the API", "Add this machine's address to the key's allowed addresses."),
}
"""The meaning of each error code that the gateway answers with, and the remedy."""


class GatewayFailure(Exception):  # noqa: N818 - the subclasses say whose failure it is
    """The request failed; the failure says nothing about which hooks exist."""


class GatewayAway(GatewayFailure):
    """The gateway did not answer, or answered that it is temporarily unable to."""


class GatewayRefused(GatewayFailure):
    """The gateway refused. `code` is the gateway's own error code, or None where it sent only a text."""

    def __init__(self, code: str | None, text: str) -> None:
        super().__init__(text)
        self.code = code


class GatewayUnexpected(GatewayFailure):
    """The gateway answered in an undocumented form."""


class Gateway:
    """A client of the hooks API. Every call may raise GatewayFailure; its text contains no key, token or URL."""

    def __init__(self, api_url: str, api_key: str, signing_key: str | None = None, timeout_s: float = 10.0) -> None:
        self._url = f"{api_url.rstrip('/')}/hooks"
        self._key, self._signing_key = api_key, signing_key
        self._client = httpx2.Client(timeout=timeout_s, follow_redirects=False, headers={"Accept": "application/json"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._client.close()

    def read(self) -> list[Hook]:
        """Every hook of the account. Retried when the gateway does not answer, since reading changes nothing."""
        for _ in range(READ_ATTEMPTS - 1):
            try:
                return self._read()
            except GatewayAway:
                time.sleep(0.5)
        return self._read()

    def subscribe(self, hook: Hook) -> str:
        """Create a hook and return its id. Never retried: the hook may exist although its answer was lost."""
        parameters = {
            "action": "subscribe",
            "target_url": hook.target_url,
            "event_type": hook.event_type,
            "request_method": hook.request_method,
            "event_filter": hook.event_filter,
            "headers": hook.headers or None,
        }
        answer = self._request("POST", {name: value for name, value in parameters.items() if value is not None})
        if answer.get("id") in (None, ""):
            raise GatewayUnexpected("the gateway created a hook and returned no id")
        return str(answer["id"])

    def unsubscribe(self, hook_id: str) -> None:
        """Remove exactly this hook."""
        self._request("POST", {"action": "unsubscribe", "id": hook_id})

    def _read(self) -> list[Hook]:
        hooks = self._request("GET", {"action": "read"}).get("hooks")
        if not isinstance(hooks, list) or not all(isinstance(hook, dict) for hook in hooks):
            raise GatewayUnexpected("the gateway's answer contains no list of hooks")
        return [Hook.parse(hook) for hook in hooks]

    def _request(self, method: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        query = urlencode(parameters)
        url, body = (f"{self._url}?{query}", b"") if method == "GET" else (self._url, query.encode())
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
            answer = self._client.request(method, url, content=body or None, headers=headers)
        except httpx2.HTTPError as error:
            raise GatewayAway(f"the gateway does not answer ({reason(error)})") from None
        return _checked(answer)


def _checked(response: httpx2.Response) -> dict[str, Any]:
    """The body of an answer that reports success. Raises GatewayFailure for any other."""
    status = response.status_code
    if status >= 500 or status == 429:
        raise GatewayAway(f"the gateway cannot answer now (HTTP {status})")
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        body = None
    code = _error_code(body)
    if code is None and status in (401, 403):
        code = {401: "900", 403: "902"}[status]
    if code is not None:
        meaning, remedy = CODES.get(code, ("an unknown error code", "The gateway's documentation lists all codes."))
        raise GatewayRefused(code, f"{code}: {meaning}. {remedy}")
    if status != 200 or not isinstance(body, dict):
        raise GatewayUnexpected(f"the gateway's answer cannot be read (HTTP {status})")
    if not _is_success(body):
        text = body.get("error_message")
        reason = _without_urls(text)[:200] if isinstance(text, str) else "without a reason"
        raise GatewayRefused(None, f"the gateway refused: {reason}")
    return body


def _without_urls(text: str) -> str:
    r"""The text without its URLs, in time linear in its length, as `\S*://\S*` is not."""
    return re.sub(r"\S+", lambda word: "…" if "://" in word[0] else word[0], text)


def _error_code(body: object) -> str | None:
    """The error code that is the whole body, or that stands beside `success: false` in it."""
    code = body.get("code") if isinstance(body, dict) and not _is_success(body) else body
    if isinstance(code, bool) or not isinstance(code, (int, str)):
        return None
    return str(code).strip() if str(code).strip().isdecimal() else None


def _is_success(body: Mapping[str, Any]) -> bool:
    return str(body.get("success")).lower() in ("true", "1")
