"""Wire forms: one delivery in every format that the gateway uses, or might use.

Its JSON is certain. The sources contradict each other about its forms and queries: nested by brackets, flat beside the
envelope's fields, or flat without them. The gateway runs PHP, so the rules of `http_build_query` and `json_encode`
apply: null is omitted, false is 0, 3.0 is 3, a space is a plus, and a slash in JSON is escaped.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from seven.delivery import Delivery

ENVELOPE = ("webhook_event", "webhook_timestamp")


@dataclass(frozen=True)
class DeliveryContent:
    """The content of a delivery: the fields of its envelope, and those of its `data`."""

    event_type: str
    envelope: Mapping[str, Any]
    fields: Mapping[str, Any]

    @property
    def nested(self) -> dict[str, Any]:
        return {"data": dict(self.fields), **self.envelope}

    @property
    def in_text(self) -> dict[str, Any]:
        return {**self.envelope, "data": escaped(self.fields)}

    @property
    def flat(self) -> dict[str, Any]:
        return {**self.fields, **self.envelope}

    @property
    def bare(self) -> dict[str, Any]:
        return {name: value for name, value in self.fields.items() if name not in ENVELOPE}


@dataclass(frozen=True)
class Sent:
    """A delivery as it arrives; a bare one needs a path that names its event type."""

    delivery: Delivery
    path_event_type: str | None = None

    @property
    def bare(self) -> bool:
        return self.path_event_type is not None


def escaped(value: Any) -> str:
    """JSON as PHP's `json_encode` writes it."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


def form(fields: Mapping[str, Any]) -> bytes:
    """A form as PHP's `http_build_query` writes it."""
    return "&".join(f"{quote_plus(key)}={quote_plus(value)}" for key, value in _pairs(fields)).encode("ascii")


def _pairs(fields: Mapping[str, Any], inside: str = "") -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        key = f"{inside}[{name}]" if inside else name
        if isinstance(value, list):
            yield from _pairs({str(index): inner for index, inner in enumerate(value)}, key)
        elif isinstance(value, Mapping):
            yield from _pairs(value, key)
        elif value is not None:
            yield key, _scalar(value)


def _scalar(value: str | float) -> str:
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        return str(int(value))
    return str(value)


def post(body: bytes, query: bytes = b"") -> Delivery:
    return Delivery("POST", query, body)


def get(query: bytes) -> Delivery:
    return Delivery("GET", query, b"")


def _readable(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent="\t").encode()


def _unescaped(encoded: bytes) -> bytes:
    """The same form with unescaped brackets and commas; some senders write them so."""
    return encoded.replace(b"%5B", b"[").replace(b"%5D", b"]").replace(b"%3A", b":").replace(b"%2C", b",")


WIRE_FORMS: dict[str, Callable[[DeliveryContent], Sent]] = {
    "nested JSON": lambda content: Sent(post(json.dumps(content.nested).encode())),
    "nested JSON with escaped slashes": lambda content: Sent(post(escaped(content.nested).encode())),
    "nested JSON in UTF-8, indented": lambda content: Sent(post(_readable(content.nested))),
    "nested JSON after a BOM": lambda content: Sent(post(b"\xef\xbb\xbf" + _readable(content.nested))),
    "nested JSON, the URL with a query": lambda content: Sent(
        post(_readable(content.nested), b"secret=s%5B&tenant=acme")
    ),
    "flat JSON": lambda content: Sent(post(escaped(content.flat).encode())),
    "bracket form": lambda content: Sent(post(form(content.nested))),
    "bracket form, brackets bare": lambda content: Sent(post(_unescaped(form(content.nested)))),
    "bracket form, the URL with a query": lambda content: Sent(post(form(content.nested), b"secret=s%5B&tenant=acme")),
    "bracket query": lambda content: Sent(get(form(content.nested))),
    "bracket query after the URL's own": lambda content: Sent(get(b"secret=s%5B&tenant=acme&" + form(content.nested))),
    "bracket query of a POST": lambda content: Sent(post(b"", form(content.nested))),
    "flat form": lambda content: Sent(post(form(content.flat))),
    "flat form, the URL with a query": lambda content: Sent(post(form(content.flat), b"id=shop1&webhook_event=all")),
    "flat query": lambda content: Sent(get(form(content.flat))),
    "bare form": lambda content: Sent(post(form(content.bare)), content.event_type),
    "bare query": lambda content: Sent(get(form(content.bare)), content.event_type),
    "bare JSON": lambda content: Sent(post(escaped(content.bare).encode()), content.event_type),
    "JSON text in a form": lambda content: Sent(post(form(content.in_text))),
    "JSON text in a query": lambda content: Sent(get(form(content.in_text))),
    "JSON text in JSON": lambda content: Sent(post(escaped(content.in_text).encode())),
}
