"""Envelopes for the tests, as a receiver would have made them."""

from datetime import UTC, datetime
from typing import Any

from seven.envelope import Envelope

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def envelope(name: str, event_type: str | None = "dlr", payload: Any = None, **data: Any) -> Envelope:
    told = {"webhook_event": event_type, "data": {"msg_id": "7", "status": "ACCEPTED", "timestamp": 1777600000} | data}
    return Envelope(name, event_type, NOW, "JSON", told if payload is None else payload)
