"""Samples: what a delivery looked like, without what it said, to be handed to others."""

from typing import Any

from operations.dead_letters import Unapplied
from operations.reprocess import latest_reason, stored_line
from seven.archive_records import ArchivedDelivery
from seven.envelope import Envelope
from seven.errors import UnreadableEnvelope
from seven.parsing import Fields
from seven.redaction import is_name, redacted, redacted_text


def sample(delivery: ArchivedDelivery, unapplied: Unapplied | None = None) -> dict[str, Any]:
    """A delivery's payload with everything personal replaced, and how it was understood; no id, time or address.

    Bytes that could not be decoded are a text of the same length. The payload is None where it is no longer kept.
    """
    payload = _content(delivery, unapplied)
    replaced = None if payload is None else redacted(payload)
    event_type = delivery.event_type
    return {
        "event_type": event_type if event_type is None or is_name(event_type) else redacted_text(event_type),
        "request_method": delivery.request_method,
        "outcome": delivery.outcome,
        "reason": _reason(latest_reason(unapplied) if unapplied else delivery.reason),
        "decoded": isinstance(payload, dict),
        "payload": replaced.decode("utf-8", "backslashreplace") if isinstance(replaced, bytes) else replaced,
    }


def _content(delivery: ArchivedDelivery, unapplied: Unapplied | None) -> Fields | bytes | None:
    if delivery.digest is not None:
        try:
            return Envelope.archived(delivery).payload
        except UnreadableEnvelope:
            return None
    return stored_line(unapplied) if unapplied else None


def _reason(reason: str | None) -> str | None:
    """Reasons are ours, but for the name of a field that was given twice: a sender may have made that up."""
    name, twice, rest = (reason or "").partition(" is given twice")
    return f"{name if is_name(name) else 'a field'}{twice}{rest}" if twice else reason
