"""Digests: names for what carries none."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def short_digest(*parts: str | datetime | None) -> str:
    """32 hex digits for a record whose event carries no id. Times count by the second, as the gateway tells them."""
    told = [int(part.timestamp()) if isinstance(part, datetime) else part for part in parts]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def is_short_digest(told: str) -> bool:
    """Whether a name is one of those: the vendor's own ids are none of so many digits."""
    return re.fullmatch("[0-9a-f]{32}", told) is not None


def delivery_digest(event_type: str | None, fields: Mapping[str, Any] | bytes) -> str:
    """sha256 of an event type and its canonical `data`: equal for repeats, in whichever form they were sent.

    A form writes every scalar as text and leaves null out, so canonical `data` does both; `webhook_timestamp`, which
    a retry may renew, is no part of it. What could not be decoded counts by its bytes.
    """
    told = fields if isinstance(fields, bytes) else _ENCODER.encode(_canonical(fields)).encode()
    return hashlib.sha256(f"{event_type}\n".encode("utf-8", "surrogatepass") + told).hexdigest()


_ENCODER = json.JSONEncoder(sort_keys=True)


def _canonical(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        value = {str(place): one for place, one in enumerate(value)}
    if isinstance(value, Mapping):
        told = ((str(name), _canonical(one)) for name, one in value.items())
        return {name: one for name, one in told if one is not None and one != {}}
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        return str(int(value))
    return None if value is None else str(value)
