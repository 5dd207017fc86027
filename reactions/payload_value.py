"""Payload value: a stored payload as a value of JSON."""

import json
import re
from typing import Any

from seven.envelope import RAW
from seven.field_types import REPLACEMENT
from seven.parsing import finite

_SURROGATE = re.compile("[\ud800-\udfff]")


def payload_value(stored: str | None) -> Any:
    """What the gateway sent, as it was decoded; the text `base64:…` where it could not be, None where none is kept.

    Lone surrogates become U+FFFD: no JSON in UTF-8 can have them.
    """
    if stored is None or stored.startswith(RAW):
        return stored
    try:
        value = json.loads(stored, parse_float=finite, parse_constant=str)
    except (ValueError, RecursionError):  # no payload of ours
        return stored
    return _without_surrogates(value) if "\\ud" in stored else value


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return _SURROGATE.sub(REPLACEMENT, value)
        case dict():
            return {_without_surrogates(name): _without_surrogates(inner) for name, inner in value.items()}
        case list():
            return [_without_surrogates(inner) for inner in value]
    return value
