"""PHP: how it writes JSON and forms, as the gateway's answers and deliveries show."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote_plus


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
