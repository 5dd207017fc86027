"""Requests to the hooks API, read from every style in which the gateway accepts them."""

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

_ACTION_BY_NAME: dict[str, Action] = {action: action for action in ACTIONS}
_ACTION_BY_METHOD: dict[str, Action] = {"GET": "read", "HEAD": "read", "POST": "subscribe", "DELETE": "unsubscribe"}
_SCHEMES = {"basic", "bearer"}  # after either the key stands as it is: "further encoding via Base64 is not required"


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request to the hooks API."""

    action: Action
    fields: Mapping[str, str] = field(repr=False)
    """Fields of the query and the body; the body overrides the query."""
    key: str = field(repr=False)
    """The API key; empty where there is none."""
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @classmethod
    async def of(cls, request: Request) -> "ApiRequest":
        """Read a request's query and its form, multipart or JSON body. Never raises: an unreadable body has no fields.

        In the old style the field `action` names the action, in the new style the method does.
        """
        body = await request.body()
        fields = {**_form(request.scope["query_string"]), **_body_fields(request.headers.get("content-type", ""), body)}
        by_method = _ACTION_BY_METHOD[request.method]
        name = fields.get("action", "").strip().lower() if by_method != "unsubscribe" else ""
        action = _ACTION_BY_NAME.get(name, "unknown") if name else by_method
        key = _key(request.headers) or fields.get("p", "").strip()
        return cls(action, fields, key, request.method, str(request.url), request.headers, body)


def _key(headers: Mapping[str, str]) -> str:
    if api_key := headers.get("x-api-key", "").strip():
        return api_key
    scheme, _, key = headers.get("authorization", "").strip().partition(" ")
    return key.strip() if scheme.lower() in _SCHEMES else ""


def _body_fields(content_type: str, body: bytes) -> dict[str, str]:
    """The body's fields. JSON is recognised by its first byte: many clients send it under another content type."""
    if body.lstrip()[:1] == b"{":
        return _json(body)
    if content_type.lower().startswith("multipart/form-data"):  # as PHP's curl sends an array
        return _multipart(content_type, body)
    return _form(body)


def _form(text: bytes) -> dict[str, str]:
    return dict(parse_qsl(text.decode("utf-8", "replace"), keep_blank_values=True))


def _json(body: bytes) -> dict[str, str]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return {
        name: str(int(value) if isinstance(value, bool) else value)
        for name, value in fields.items()
        if isinstance(value, str | int | float)
    }


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    message = BytesParser(policy=HTTP).parsebytes(f"content-type: {content_type}\r\n\r\n".encode() + body)
    parts = ((part["content-disposition"], part.get_payload(decode=True)) for part in message.iter_parts())
    return {
        disposition.params["name"]: payload.decode("utf-8", "replace")
        for disposition, payload in parts
        if disposition is not None and "name" in disposition.params and isinstance(payload, bytes)
    }
