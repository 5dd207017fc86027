"""Digests: names for what carries none."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def short_digest(*parts: str | datetime | None) -> str:
    """32 hex digits for a record whose event carries no id. Times count by the second, as the gateway tells them."""
    told = [int(part.timestamp()) if isinstance(part, datetime) else part for part in parts]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def delivery_digest(event_type: str | None, fields: Mapping[str, Any] | bytes) -> str:
    """sha256 of an event type and its canonical `data`: equal for repeats, in whichever form they were sent.

    A form writes every scalar as text and leaves null out, so canonical `data` does both; `webhook_timestamp`, which
    a retry may renew, is no part of it. What could not be decoded counts by its bytes.
    """
    told = fields if isinstance(fields, bytes) else json.dumps(_canonical(fields), sort_keys=True).encode()
    return hashlib.sha256(f"{event_type}\n".encode("utf-8", "surrogatepass") + told).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _canonical(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_canonical(one) for one in value]
    if isinstance(value, bool):
        return str(int(value))
    return value if value is None else str(value)
