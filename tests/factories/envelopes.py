"""Envelopes for the tests, as a receiver makes them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from seven.envelope import Envelope

Accept = Callable[..., str]
"""Puts envelopes, or bare lines, into the ledger as one batch; returns its id."""

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def envelope(name: str, event_type: str | None = "dlr", payload: Any = None, **data: Any) -> Envelope:
    fields = {
        "webhook_event": event_type,
        "data": {"msg_id": "7", "status": "ACCEPTED", "timestamp": 1777600000} | data,
    }
    return Envelope(name, event_type, NOW, "JSON", fields if payload is None else payload)
