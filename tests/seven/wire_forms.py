"""Wire forms: one delivery in every notation that the gateway uses, or might.

Its JSON is certain. Of its forms and queries the sources contradict each other: nested by brackets, flat beside the
envelope's fields, flat without them. It is PHP, so the habits of `http_build_query` and `json_encode` hold: null is
left out, false is 0, 3.0 is 3, a space is a plus, and a slash in JSON is escaped.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from seven.delivery import Delivery

ENVELOPE = ("webhook_event", "webhook_timestamp")


@dataclass(frozen=True)
class Told:
    """What a delivery says: the envelope's fields, and those of its `data`."""

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


def form(words: Mapping[str, Any]) -> bytes:
    """A form as PHP's `http_build_query` writes it."""
    return "&".join(f"{quote_plus(key)}={quote_plus(value)}" for key, value in _pairs(words)).encode("ascii")


def _pairs(words: Mapping[str, Any], inside: str = "") -> Iterator[tuple[str, str]]:
    for name, value in words.items():
        key = f"{inside}[{name}]" if inside else name
        if isinstance(value, list):
            yield from _pairs({str(index): one for index, one in enumerate(value)}, key)
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
    """The same form with its brackets and commas as they are; some senders write them so."""
    return encoded.replace(b"%5B", b"[").replace(b"%5D", b"]").replace(b"%3A", b":").replace(b"%2C", b",")


WIRE_FORMS: dict[str, Callable[[Told], Sent]] = {
    "nested JSON": lambda told: Sent(post(json.dumps(told.nested).encode())),
    "nested JSON with escaped slashes": lambda told: Sent(post(escaped(told.nested).encode())),
    "nested JSON in UTF-8, indented": lambda told: Sent(post(_readable(told.nested))),
    "nested JSON after a BOM": lambda told: Sent(post(b"\xef\xbb\xbf" + _readable(told.nested))),
    "nested JSON, the URL with a query": lambda told: Sent(post(_readable(told.nested), b"secret=s%5B&tenant=acme")),
    "flat JSON": lambda told: Sent(post(escaped(told.flat).encode())),
    "bracket form": lambda told: Sent(post(form(told.nested))),
    "bracket form, brackets bare": lambda told: Sent(post(_unescaped(form(told.nested)))),
    "bracket form, the URL with a query": lambda told: Sent(post(form(told.nested), b"secret=s%5B&tenant=acme")),
    "bracket query": lambda told: Sent(get(form(told.nested))),
    "bracket query after the URL's own": lambda told: Sent(get(b"secret=s%5B&tenant=acme&" + form(told.nested))),
    "bracket query of a POST": lambda told: Sent(post(b"", form(told.nested))),
    "flat form": lambda told: Sent(post(form(told.flat))),
    "flat form, the URL with a query": lambda told: Sent(post(form(told.flat), b"id=shop1&webhook_event=all")),
    "flat query": lambda told: Sent(get(form(told.flat))),
    "bare form": lambda told: Sent(post(form(told.bare)), told.event_type),
    "bare query": lambda told: Sent(get(form(told.bare)), told.event_type),
    "bare JSON": lambda told: Sent(post(escaped(told.bare).encode()), told.event_type),
    "JSON text in a form": lambda told: Sent(post(form(told.in_text))),
    "JSON text in a query": lambda told: Sent(get(form(told.in_text))),
    "JSON text in JSON": lambda told: Sent(post(escaped(told.in_text).encode())),
}
