"""The gateway's hooks API: read, subscribe, unsubscribe. The body is judged, never the status code alone.

The gateway answers 200 with `"900"` or `900` for a wrong key, and `{"success": false, …}` for a bad URL; it writes
truth as text at times. Sources: the vendor's webhooks page, a recorded answer, and what its own clients accept.
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

from seven.hooks import Hook
from seven.signing import signature_headers

READ_ATTEMPTS = 3
_NONCE = string.ascii_letters + string.digits

CODES: dict[str, tuple[str, str]] = {
    "403": ("too many requests", "Wait; reconciling less often helps (SEVEN_HOOKS_S)."),
    "500": ("no credit", "Top up the account."),
    "600": ("the gateway failed", "Try again later; if it stays, ask the gateway's support."),
    "700": ("an unknown error of the gateway", "Try again later; if it stays, ask the gateway's support."),
    "900": ("the API key is wrong", "Compare SEVEN_API_KEY with the account's developer settings."),
    "901": ("the signature is wrong", "Compare SEVEN_SIGNING_KEY with the account's API settings, and this clock."),
    "902": ("the API key may not manage webhooks, or the API is disabled", "Give the key that right in the account."),
    "903": ("this address may not use the API", "Add this machine's address to the key's allowed addresses."),
}
"""What each code that stands in an answer's place means, and what helps."""


class GatewayFailure(Exception):  # noqa: N818 - its kinds below say whose
    """The gateway did not do as it was asked; says nothing about which hooks there are."""


class GatewayAway(GatewayFailure):
    """It did not answer, or answered that it cannot now."""


class GatewayRefused(GatewayFailure):
    """It answered no. `code` is its own, or None where it gave only words."""

    def __init__(self, code: str | None, words: str) -> None:
        super().__init__(words)
        self.code = code


class GatewayOdd(GatewayFailure):
    """It answered in a way that nobody has described."""


class Gateway:
    """A client of the hooks API. Every call raises GatewayFailure, whose text names no key, no token and no URL."""

    def __init__(self, api_url: str, api_key: str, signing_key: str | None = None, timeout_s: float = 10.0) -> None:
        self._url = f"{api_url.rstrip('/')}/hooks"
        self._key, self._signing_key = api_key, signing_key
        self._client = httpx2.Client(timeout=timeout_s, follow_redirects=False, headers={"Accept": "application/json"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._client.close()

    def read(self) -> list[Hook]:
        """Every hook of the account. Asked again when the gateway does not answer: reading changes nothing."""
        for _ in range(READ_ATTEMPTS - 1):
            try:
                return self._read()
            except GatewayAway:
                time.sleep(0.5)
        return self._read()

    def subscribe(self, hook: Hook) -> str:
        """Create a hook; returns its id. Never repeated by itself: an answer that was lost may hide a hook."""
        told = {
            "action": "subscribe",
            "target_url": hook.target_url,
            "event_type": hook.event_type,
            "request_method": hook.request_method,
            "event_filter": hook.event_filter,
            "headers": hook.headers or None,
        }
        answer = self._ask("POST", {name: value for name, value in told.items() if value is not None})
        if answer.get("id") in (None, ""):
            raise GatewayOdd("the gateway created a hook and told no id")
        return str(answer["id"])

    def unsubscribe(self, hook_id: str) -> None:
        """Remove one hook, and no other."""
        self._ask("POST", {"action": "unsubscribe", "id": hook_id})

    def _read(self) -> list[Hook]:
        listed = self._ask("GET", {"action": "read"}).get("hooks")
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise GatewayOdd("the gateway listed no hooks, not even none")
        return [Hook.read(one) for one in listed]

    def _ask(self, method: str, told: Mapping[str, str]) -> dict[str, Any]:
        query = urlencode(told)
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
            raise GatewayAway(f"the gateway does not answer ({type(error).__name__})") from None
        return _judge(answer)


def _judge(answer: httpx2.Response) -> dict[str, Any]:
    """The answer's words, where they say yes. Raises GatewayFailure."""
    status = answer.status_code
    if status >= 500 or status == 429:
        raise GatewayAway(f"the gateway cannot answer now (HTTP {status})")
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        told = None
    code = _code(told)
    if code is None and status in (401, 403):
        code = {401: "900", 403: "902"}[status]
    if code is not None:
        what, advice = CODES.get(code, ("an error of a code not known here", "The gateway's documentation lists them."))
        raise GatewayRefused(code, f"{code}: {what}. {advice}")
    if status != 200 or not isinstance(told, dict):
        raise GatewayOdd(f"the gateway answered what cannot be read (HTTP {status})")
    if str(told.get("success")).lower() not in ("true", "1"):
        words = told.get("error_message")
        reason = re.sub(r"\S*://\S*", "…", words)[:200] if isinstance(words, str) else "without a reason"
        raise GatewayRefused(None, f"the gateway refused: {reason}")
    return told


def _code(told: object) -> str | None:
    """The code of an answer that is nothing else, or that says it beside `success: false`."""
    if isinstance(told, dict) and str(told.get("success")).lower() not in ("true", "1"):
        told = told.get("code")
    if isinstance(told, bool) or not isinstance(told, (int, str)):
        return None
    return str(told).strip() if str(told).strip().isdecimal() else None
