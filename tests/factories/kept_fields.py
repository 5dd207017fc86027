"""Kept fields: what is stored of an event's fields by default."""

from typing import Any

from emulator.vendor_event import VendorEvent
from seven.key_presses import masked_keys


def kept_fields(event: VendorEvent) -> dict[str, Any]:
    """The fields, without the keys that were pressed in a call."""
    fields = masked_keys(dict(event.fields), event.event_type)
    assert isinstance(fields, dict)
    return fields
