"""Asking: what a request to the hooks API asks for, in whichever of the gateway's styles it does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Literal, get_args
from urllib.parse import parse_qsl

from starlette.requests import Request

Action = Literal["read", "subscribe", "unsubscribe", "unknown"]
ACTIONS: tuple[Action, ...] = get_args(Action)

_NAMED: dict[str, Action] = {action: action for action in ACTIONS}
_NEW_STYLE: dict[str, Action] = {"GET": "read", "HEAD": "read", "POST": "subscribe", "DELETE": "unsubscribe"}
_SCHEMES = {"basic", "bearer"}  # after either the key stands as it is: "further encoding via Base64 is not required"


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request to the hooks API."""

    action: Action
    words: Mapping[str, str] = field(repr=False)
    """Of the query and the body; where both say one, the body's."""
    key: str = field(repr=False)
    """The API key; empty where there is none."""
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @classmethod
    async def of(cls, request: Request) -> "ApiRequest":
        """Whatever a request says, in query, form, multipart or JSON. Raises nothing: what cannot be read says nothing.

        In the old style `action` says what is asked for, in the new one the method does.
        """
        body = await request.body()
        words = {**_form(request.scope["query_string"]), **_told(request.headers.get("content-type", ""), body)}
        style = _NEW_STYLE[request.method]
        named = words.get("action", "").strip().lower() if style != "unsubscribe" else ""
        action = _NAMED.get(named, "unknown") if named else style
        key = _key(request.headers) or words.get("p", "").strip()
        return cls(action, words, key, request.method, str(request.url), request.headers, body)


def _key(headers: Mapping[str, str]) -> str:
    if told := headers.get("x-api-key", "").strip():
        return told
    scheme, _, key = headers.get("authorization", "").strip().partition(" ")
    return key.strip() if scheme.lower() in _SCHEMES else ""


def _told(content_type: str, body: bytes) -> dict[str, str]:
    """The body's words, by looking at it: many clients send JSON under another name."""
    if body.lstrip()[:1] == b"{":
        return _json(body)
    if content_type.lower().startswith("multipart/form-data"):  # as PHP's curl sends an array
        return _multipart(content_type, body)
    return _form(body)


def _form(text: bytes) -> dict[str, str]:
    return dict(parse_qsl(text.decode("utf-8", "replace"), keep_blank_values=True))


def _json(body: bytes) -> dict[str, str]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return {
        name: str(int(value) if isinstance(value, bool) else value)
        for name, value in told.items()
        if isinstance(value, str | int | float)
    }


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    message = BytesParser(policy=HTTP).parsebytes(f"content-type: {content_type}\r\n\r\n".encode() + body)
    parts = ((part["content-disposition"], part.get_payload(decode=True)) for part in message.iter_parts())
    return {
        placed.params["name"]: payload.decode("utf-8", "replace")
        for placed, payload in parts
        if placed is not None and "name" in placed.params and isinstance(payload, bytes)
    }
