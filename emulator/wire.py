"""The wire format: one vendor event as the HTTP request that the gateway would make.

JSON and forms are written as PHP writes them, as the gateway's answers and deliveries show.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import quote_plus, urlsplit, urlunsplit

import httpx2
from pydantic import AfterValidator, SecretStr

from emulator.vendor_event import VendorEvent


def json_encode(value: object) -> bytes:
    r"""ASCII, no spaces, slashes escaped (the vendor's samples show `https:\/\/`)."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode("ascii")


def http_build_query(fields: Mapping[str, Any]) -> str:
    """PHP's function: brackets percent-encoded, lists by index, null left out, true as 1, a space as +."""
    return "&".join(f"{_quote(key)}={_quote(value)}" for key, value in _pairs(fields, ""))


def _pairs(fields: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        key = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, Mapping):
            yield from _pairs(value, key)
        elif isinstance(value, list):
            yield from _pairs({str(index): item for index, item in enumerate(value)}, key)
        elif isinstance(value, bool):
            yield key, str(int(value))
        elif value is not None:
            yield key, str(value)


def _quote(text: str) -> str:
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        encoded = b"".join(map(_encoded, text))
    return quote_plus(encoded).replace("~", "%7E")  # PHP's urlencode() leaves only - _ . of the punctuation as they are


def _encoded(character: str) -> bytes:
    """Its bytes: one for a byte of an argument that was no UTF-8, three for half a character of JSON."""
    is_byte = "\udc80" <= character <= "\udcff"
    return character.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass")


Method = Literal["JSON", "POST", "GET"]
METHODS: tuple[Method, ...] = ("JSON", "POST", "GET")
"""A hook's `request_method`."""

Layout = Literal["nested", "flat", "bare"]
LAYOUTS: tuple[Layout, ...] = ("nested", "flat", "bare")
"""Layouts of the fields in a form or query. The vendor shows no form; its own clients read the first two layouts, its
status reports page shows the third in a query. `bare` leaves `webhook_event` to the hook's URL and has no
`webhook_timestamp`, so the time of a click is lost. JSON is always nested."""


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """One delivery to send: an event, and its request method and layout."""

    event: VendorEvent
    method: Method = "JSON"
    layout: Layout = "nested"
    delay_s: float = 0
    """Seconds between its turn and its first attempt."""
    dropped: bool = False
    """Whether it is never sent, as if the gateway had forgotten it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, complete."""

    method: Literal["POST", "GET"]
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    hook_id: int | None = None
    """The hook that it is sent to; None for a target."""
    delay_s: float = 0
    """Seconds before its first attempt."""


def requests(planned: Iterable[PlannedDelivery], target_url: str) -> Iterator[Request]:
    """The requests for one target, each written when it is drawn."""
    return (write_request(delivery, target_url) for delivery in planned)


def write_request(delivery: PlannedDelivery, target_url: str) -> Request:
    """The request to this URL. The URL may have a query: a GET appends its fields to it."""
    event, delay_s = delivery.event, delivery.delay_s
    if delivery.method == "JSON":
        headers, body = (("content-type", "application/json"),), json_encode(_envelope(event))
        return Request("POST", target_url, headers, body, delay_s=delay_s)
    if delivery.layout == "bare":
        target_url = _with_event_type(target_url, event.event_type)
    form = http_build_query(_LAYOUT_FIELDS[delivery.layout](event))
    if delivery.method == "POST":
        headers = (("content-type", "application/x-www-form-urlencoded"),)
        return Request("POST", target_url, headers, form.encode(), delay_s=delay_s)
    return Request("GET", _with_query(target_url, form), (), b"", delay_s=delay_s)


def _envelope(event: VendorEvent) -> dict[str, Any]:
    return {
        "data": event.fields,
        "webhook_event": event.event_type,
        "webhook_timestamp": event.webhook_timestamp,
    }


def _flat(event: VendorEvent) -> dict[str, Any]:
    return {
        **event.fields,
        "webhook_event": event.event_type,
        "webhook_timestamp": event.webhook_timestamp,
    }


def _bare(event: VendorEvent) -> Mapping[str, Any]:
    return event.fields


_LAYOUT_FIELDS = {"nested": _envelope, "flat": _flat, "bare": _bare}


def _with_query(url: str, query: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query, fragment=""))


def _with_event_type(url: str, event_type: str) -> str:
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=path if path.endswith(f"/{event_type}") else f"{path}/{event_type}"))


MAX_PORT = 65535


def is_http_url(url: str) -> bool:
    """Whether this is a complete HTTP URL."""
    try:
        parts = httpx2.URL(url)
        urlsplit(url)  # rejects a few that httpx2 accepts
    except (httpx2.InvalidURL, ValueError):
        return False
    has_space = any(letter.isspace() for letter in url)
    return parts.scheme in {"http", "https"} and bool(parts.host) and (parts.port or 1) <= MAX_PORT and not has_space


def validate_url(url: str) -> str:
    """The same URL. Raises ValueError, whose message does not repeat it."""
    if not is_http_url(url):
        raise ValueError("a target URL looks like https://host[:port]/path")
    return url


def _validate_secret(url: SecretStr) -> SecretStr:
    validate_url(url.get_secret_value())
    return url


Target = Annotated[SecretStr, AfterValidator(_validate_secret)]
"""The HTTP URL of a receiver. It is a secret: its path contains the receiver's token."""
