"""Wire: one vendor event as the HTTP request that the gateway would make of it.

JSON and forms are written as PHP writes them, which the gateway's answers and deliveries show.
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


def http_build_query(words: Mapping[str, Any]) -> str:
    """Brackets percent-encoded, null left out, true as 1, a space as +."""
    return "&".join(f"{_quote(key)}={_quote(value)}" for key, value in _pairs(words, ""))


def _pairs(words: Mapping[str, Any], inside: str) -> Iterator[tuple[str, str]]:
    for name, value in words.items():
        key = f"{inside}[{name}]" if inside else name
        if isinstance(value, Mapping):
            yield from _pairs(value, key)
        elif isinstance(value, bool):
            yield key, str(int(value))
        elif value is not None:
            yield key, str(value)


def _quote(text: str) -> str:
    return quote_plus(text).replace("~", "%7E")  # urlencode() of PHP spares only - _ . among the marks


Method = Literal["JSON", "POST", "GET"]
METHODS: tuple[Method, ...] = ("JSON", "POST", "GET")
"""A hook's `request_method`."""

Layout = Literal["nested", "flat", "bare"]
LAYOUTS: tuple[Layout, ...] = ("nested", "flat", "bare")
"""How a form or query puts the fields. The vendor shows no form; its own clients read the first two layouts, its status
reports page shows the third in a query. `bare` leaves `webhook_event` to the hook's URL, and says no
`webhook_timestamp`: when a link was clicked, nobody learns. JSON is always nested."""


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """One delivery to be made: what is told, and how."""

    occurrence: VendorEvent
    method: Method = "JSON"
    layout: Layout = "nested"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, complete."""

    method: Literal["POST", "GET"]
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    hook_id: int | None = None
    """The hook that it is for; None for a target."""


def requests(tellings: Iterable[PlannedDelivery], target_url: str) -> Iterator[Request]:
    """The requests for one hook, each written when it is asked for."""
    return (write(telling, target_url) for telling in tellings)


def write(telling: PlannedDelivery, target_url: str) -> Request:
    """The request for a hook with this URL, which may carry a query of its own: a GET's words are added to it."""
    occurrence = telling.occurrence
    if telling.method == "JSON":
        return Request("POST", target_url, (("content-type", "application/json"),), json_encode(_envelope(occurrence)))
    if telling.layout == "bare":
        target_url = _naming(target_url, occurrence.event_type)
    form = http_build_query(_WORDS[telling.layout](occurrence))
    if telling.method == "POST":
        return Request("POST", target_url, (("content-type", "application/x-www-form-urlencoded"),), form.encode())
    return Request("GET", _with_query(target_url, form), (), b"")


def _envelope(occurrence: VendorEvent) -> dict[str, Any]:
    return {
        "data": occurrence.fields,
        "webhook_event": occurrence.event_type,
        "webhook_timestamp": occurrence.webhook_timestamp,
    }


def _flat(occurrence: VendorEvent) -> dict[str, Any]:
    return {
        **occurrence.fields,
        "webhook_event": occurrence.event_type,
        "webhook_timestamp": occurrence.webhook_timestamp,
    }


def _bare(occurrence: VendorEvent) -> Mapping[str, Any]:
    return occurrence.fields


_WORDS = {"nested": _envelope, "flat": _flat, "bare": _bare}


def _with_query(url: str, query: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query, fragment=""))


def _naming(url: str, event_type: str) -> str:
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=path if path.endswith(f"/{event_type}") else f"{path}/{event_type}"))


MAX_PORT = 65535


def is_reachable(url: str) -> bool:
    """Whether requests can be made to this URL."""
    try:
        parts = httpx2.URL(url)
        urlsplit(url)  # refuses a few that the other takes
    except (httpx2.InvalidURL, ValueError):
        return False
    spaced = any(letter.isspace() for letter in url)
    return parts.scheme in {"http", "https"} and bool(parts.host) and (parts.port or 1) <= MAX_PORT and not spaced


def reachable(url: str) -> str:
    """The URL itself. Raises ValueError, whose text does not repeat it."""
    if not is_reachable(url):
        raise ValueError("a target URL looks like https://host[:port]/path")
    return url


def _secret(url: SecretStr) -> SecretStr:
    reachable(url.get_secret_value())
    return url


Target = Annotated[SecretStr, AfterValidator(_secret)]
"""A URL that requests can be made to. It is a secret: its path holds the receiver's token."""
